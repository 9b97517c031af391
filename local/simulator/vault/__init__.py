"""What Site Recovery keeps in a vault: fabrics, policies, replicated items and jobs. State only, no rules.

It knows the clock and the store. The rules that move it are in `recovery`.
"""
