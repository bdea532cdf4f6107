"""What operators run on the site's data from the command line: backup, restore, and forgetting a person.

No page and no route. What the tables mean is in `serving.community`; the data set of the graph is not the site's.
"""
