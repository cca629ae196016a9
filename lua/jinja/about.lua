return { language = "Jinja2" }
