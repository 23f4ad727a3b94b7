"""Who stands behind which port. Only here settings are read and choices made."""
