"""Card contracts with banks: exact instalment plans, receivables and the cash they will bring."""
