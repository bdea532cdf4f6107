"""The sentence for each problem with what a visitor sent, by key. The filter `translated` translates it on a page.

Raise the key where the problem is found. The number of minutes of "too_many_requests" needs plural forms, so that
sentence stands in templates/partials/problem.html.
"""

from serving.i18n.languages import N_

PROBLEM_TEXTS = {
    "unavailable": N_(
        "This could not be saved because the database is not available. Your earlier data is not lost. "
        "Please try again in a moment."
    ),
    "busy": N_("Many people are signing in at this moment. Please try again in a few seconds."),
    "needs_account": N_("Please sign in to rate, save or review movies."),
    "someone_else": N_(
        "Nothing was saved: your session ended or the profile changed after this page was opened. Check "
        "your profile at the top right, then try again."
    ),
    "rating_is_none": N_("A rating must be from half a star to five stars, in steps of half a star."),
    "neither_on_nor_off": N_("The request was incomplete. Please use the buttons on the page."),
    "review_is_empty": N_("The review is empty. Please write something."),
    "review_is_too_long": N_("A review can have at most 5,000 characters."),
    "name_is_too_short": N_("Please enter a name of at least two characters."),
    "name_is_too_long": N_("A name can have at most 40 characters."),
    "name_has_other_characters": N_("A name can have only letters, digits, single spaces and . _ - @ +"),
    "name_mixes_alphabets": N_("A name can have letters of only one alphabet."),
    "name_is_reserved": N_("This name is reserved. Please choose another one."),
    "name_is_taken": N_("This name is taken. If it is yours, sign in instead."),
    "password_is_too_short": N_("A password must have at least 8 characters. A few words in a row work well."),
    "password_is_too_long": N_("A password can have at most 1,000 characters."),
    "password_is_common": N_("This password is too easy to guess. Please choose another one."),
    "password_is_wrong": N_("Wrong password."),
    "no_such_sign_in": N_("Wrong name or password."),
    "last_profile": N_("An account needs at least one profile. To delete everything, delete the account."),
    "profile_name_is_taken": N_("A profile with this name already exists."),
    "too_many_profiles": N_("An account can have at most eight profiles."),
    "not_confirmed": N_("Nothing was deleted. Please tick the box to confirm."),
    "no_film": N_("You have not picked any movies yet. Tap a poster or give stars."),
    # searches and filters; most keys are those of movierec.search.filter_tree.FilterError
    "search_is_too_long": N_("A search can have at most %(most)s characters; this one has %(n)s."),
    "unknown_order": N_("You cannot sort by “%(found)s”. Choose an order from the list."),
    "years_backwards": N_("The earlier year must come first."),
    "backwards": N_("In the range %(found)s, the smaller number must come first."),
    "not_a_number": N_("“%(found)s” is not a number. Enter a number such as 1990 or 3.5."),
    "not_a_decade": N_("“%(found)s” is not a decade. Enter its first year, such as 1990."),
    "unknown_genre": N_("There is no genre “%(found)s”. Choose one of these: %(known)s."),
    "unknown_field": N_("“%(found)s” in the filter is not a condition. Use one of %(known)s."),
    "no_colon": N_("“%(found)s” in the filter has no value. Add a colon and a value after it."),
    "unclosed_group": N_("A group in the filter is not closed. Add ) after its last condition."),
    "unclosed_quote": N_("A quotation mark in the filter is not closed. Add another one after the value."),
    "unexpected": N_(
        "“%(found)s” is in the wrong place in the filter. Put a comma between conditions and quotation "
        "marks around a value with special characters."
    ),
    "too_long": N_("The filter is too long. Please remove some conditions."),
    "too_deep": N_("The filter has too many groups inside each other. Please remove one."),
    "too_many": N_("The filter has too many conditions. Please remove some."),
}
