"""Many installs at once while processes die, Redis stalls and Novu fails; afterwards three ledgers are compared."""
