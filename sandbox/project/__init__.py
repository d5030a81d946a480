"""What a project is: vocabulary that everything else in the sandbox speaks."""
