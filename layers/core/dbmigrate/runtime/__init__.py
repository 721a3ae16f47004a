"""What is Lambda's: settings from the environment, wiring, logging. The only room that reads os.environ."""
