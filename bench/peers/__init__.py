"""The two apps that the service is measured beside, as complete Flask apps for gunicorn."""
