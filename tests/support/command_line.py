"""What the tests of the command line share."""

QUICK = [
    "--dataset=synthetic",
    "--set=data.train_images=300",
    "--set=data.validation_images=100",
    "--set=data.test_images=200",
    "--progress=plain",
]


def one_line(done, code):
    """The message of a command that ended as it should in an error."""
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("error: ")
    return last
