"""The official clients, and ours, against the local Novu and the local Slack: do they agree on the contract?"""
