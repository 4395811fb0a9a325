"""Training by supervised fine-tuning: encoding, batch order, dropout, trainer."""
