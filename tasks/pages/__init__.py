"""Pages: what people in a study look at, drawn of counts and kept as files of this home."""

from tasks.pages.study_page import make_page as make_page
from tasks.pages.study_page import renew as renew
