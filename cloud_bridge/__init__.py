"""The cloud's side: takes in what gateways send, stores it, acknowledges it."""
