"""`python -m workbench` is the command `lemma`."""

from workbench.cli.app import main

if __name__ == "__main__":
    main()
