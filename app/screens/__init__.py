"""The screens of the program and their dialogs."""
