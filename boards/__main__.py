"""`python -m boards`: a site from its file to a running gateway."""

from boards.cli import boards, main

if __name__ == "__main__":
    main(boards)
