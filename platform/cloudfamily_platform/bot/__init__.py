"""The chat bot: aiogram routers, thin: parse, call the domain, answer in the person's language."""
