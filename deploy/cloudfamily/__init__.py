"""The composition root: joins the components, and is the `cloudfamily` command."""
