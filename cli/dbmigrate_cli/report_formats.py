"""The formats that only a validation's report has; known before anything heavy is imported."""

FORMATS = ("markdown", "sarif")
