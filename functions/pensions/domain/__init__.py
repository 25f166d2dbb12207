"""The rules of automatic pension enrolment (OKS), pure: standard library and kernel only."""
