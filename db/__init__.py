"""What is remembered: theorems, premises, variants, proof attempts and the jobs that produced them.

SQLAlchemy models and their migrations, frozen records that leave the store, resumable jobs made of units of work, and one
module for each format that is exported or read in.
"""
