"""`python -m onboarding.cli`, the same as `onboarding`."""

import sys

from onboarding.cli import main

sys.exit(main())
