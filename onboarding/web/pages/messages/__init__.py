"""Every word that customers read. `{product}`, `{account}` and the like are filled in, safely, by `render`."""

from onboarding.web.pages.messages.destination import *  # noqa: F403
from onboarding.web.pages.messages.direct import *  # noqa: F403
from onboarding.web.pages.messages.landing import *  # noqa: F403
from onboarding.web.pages.messages.message import *  # noqa: F403
from onboarding.web.pages.messages.outcomes import *  # noqa: F403
from onboarding.web.pages.messages.permissions import *  # noqa: F403
from onboarding.web.pages.messages.problems import *  # noqa: F403
from onboarding.web.pages.messages.telling import *  # noqa: F403
