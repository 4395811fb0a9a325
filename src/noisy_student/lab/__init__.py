"""The lab models: architecture, pretraining corpus and pretraining; ``python -m noisy_student.lab`` makes one."""
