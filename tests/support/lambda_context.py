"""The context object Lambda hands to a handler, with a clock that a test can run down."""

from dataclasses import dataclass, field


@dataclass
class LambdaContext:
    """What our handlers and Powertools read of it."""

    remaining_ms: int = 10_000
    function_name: str = "kopru-test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:kopru-test"
    aws_request_id: str = "00000000-0000-4000-8000-000000000000"
    log_stream_name: str = field(default="test")

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the platform would stop the function."""
        return self.remaining_ms


@dataclass
class RunningOutContext(LambdaContext):
    """A context whose time is suddenly short, after it was looked at a few times."""

    looks: int = 3

    def get_remaining_time_in_millis(self) -> int:
        """Plenty at first, then five seconds."""
        self.looks -= 1
        return 60_000 if self.looks >= 0 else 5_000
