"""The commands of ``kopru``, grouped by what they are about."""
