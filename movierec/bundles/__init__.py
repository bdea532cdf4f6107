"""What is published: versioned folders, the bundle, its companion and the descriptions, written and opened.

This is the only contract between the graph and the site. What goes into a bundle is computed elsewhere in `movierec`;
which bundle may be published is decided in `movierec.evaluation.promotion`.
"""
