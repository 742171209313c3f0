"""For every room: property tests look for wrong answers; how long an answer takes on a busy machine is no fault.

What is tested speaks English, whatever the locale of whoever runs the tests.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
os.environ["LC_ALL"] = "C.UTF-8"
