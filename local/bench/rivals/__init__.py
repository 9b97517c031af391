"""What a user would run in place of the app, as scripts with the official Python SDKs, to be measured beside it.

They are as cheap as they can be: none of them reads locks, quota, eligibility, interfaces or the tags of resource
groups, explains a value, reacts to events, resumes after a crash, or keeps to a daily limit.
"""
