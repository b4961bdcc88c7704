"""How far an answer can be trusted: grounding, self-consistency, question sets, distillation."""
