"""The one extension there is: :mod:`permessage-deflate <.permessage_deflate>` (RFC 7692)."""
