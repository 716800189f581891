"""The program: command line, application, screens, keys, settings and the driver."""
