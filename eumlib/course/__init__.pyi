from .exercises import EXERCISES, AnswerError, Exercise, check
from .notebook import DATA_FOLDER, Tool, folded, home, publish, show, versions_line
from .student import SolutionError, write_student_copies
