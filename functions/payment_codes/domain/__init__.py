"""Rules of payment codes: pure, in the words of the business."""
