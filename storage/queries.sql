-- Questions that a teacher asks: `classpulse queries` lists them, `classpulse query --named` asks one, docs/sql.md has
-- them all. `-- name: the question`, below it what else there is to say, then SQL for SQLite and PostgreSQL alike.
-- :session is a session's number, :student a label or name.

-- sessions: Which lessons are there?
SELECT sessions.session_id AS session, sessions.name, sessions.recorded, sessions.duration / 60 AS minutes,
       count(students.student) AS students
FROM sessions
LEFT JOIN students ON students.session_id = sessions.session_id AND students.role = 'student'
GROUP BY sessions.session_id, sessions.name, sessions.recorded, sessions.duration
ORDER BY sessions.recorded, sessions.session_id;

-- lost-the-class: Which parts of the lesson lost the class?
-- The five windows with the lowest balance.
SELECT at, verdict, balance, interested, neutral, not_interested, insufficient
FROM v_class_windows
WHERE session_id = :session AND latest AND verdict <> 'insufficient'
ORDER BY balance, start
LIMIT 5;

-- turning-points: Where did the mood turn?
-- The five steps from one window to the next that changed the class's balance most.
SELECT at, before, balance, balance - before AS change
FROM (
    SELECT at, start, balance, lag(balance) OVER (ORDER BY start) AS before
    FROM v_class_windows
    WHERE session_id = :session AND latest
) AS steps
WHERE balance IS NOT NULL AND before IS NOT NULL
ORDER BY abs(balance - before) DESC, start
LIMIT 5;

-- students-fared: How did each student fare?
-- In how many windows there was which verdict.
SELECT label, name,
       count(*) FILTER (WHERE verdict = 'interested') AS interested,
       count(*) FILTER (WHERE verdict = 'neutral') AS neutral,
       count(*) FILTER (WHERE verdict = 'not interested') AS not_interested,
       count(*) FILTER (WHERE verdict = 'insufficient') AS insufficient,
       avg(balance) AS balance
FROM v_student_windows
WHERE session_id = :session AND latest
GROUP BY student, label, name
ORDER BY not_interested DESC, label;

-- one-student: How did one student's lesson go?
SELECT at, verdict, balance, margin, scorable, coverage
FROM v_student_windows
WHERE session_id = :session AND latest AND (label = :student OR name = :student)
ORDER BY start;

-- unmeasured: Who could not be measured, and why?
-- What there is of verdicts about these students rests on little: move the camera, or the seat.
SELECT label, name, area, unmeasured, detected, scorable, size, why
FROM v_unmeasured
WHERE session_id = :session AND latest
ORDER BY unmeasured DESC, label;

-- attendance: How many students were there, and how many could be measured?
-- Of a small face only where the head points (attention only), or no more than that the student is there (present only).
SELECT at, students, present, measured, attention_only, present - measured - attention_only AS present_only, coverage
FROM v_class_windows
WHERE session_id = :session AND latest
ORDER BY start;

-- least-detected: Which students were detected least?
SELECT label, name, coverage, faces, scorable, tracks, size
FROM v_students
WHERE session_id = :session AND role = 'student'
ORDER BY coverage, label
LIMIT 10;

-- how-sure: How sure are the verdicts?
-- The half-width of the balance's interval (margin) and the coverage behind each verdict, on the average.
SELECT verdict, count(*) AS windows, avg(balance) AS balance, avg(margin) AS margin, avg(coverage) AS coverage
FROM v_student_windows
WHERE session_id = :session AND latest
GROUP BY verdict
ORDER BY windows DESC, verdict;

-- areas: Do the areas of the room differ?
-- Where the seats are as the picture shows them, from back left to front right.
SELECT students.area, count(DISTINCT students.student) AS students, avg(windows.balance) AS balance,
       avg(windows.coverage) AS coverage
FROM v_student_windows AS windows
JOIN students ON students.session_id = windows.session_id AND students.student = windows.student
WHERE windows.session_id = :session AND windows.latest AND students.role = 'student'
GROUP BY students.area
ORDER BY students.area;

-- weak-links: Who is who only by a weak link?
-- Look at these students first, with `classpulse split` and `merge` at hand.
SELECT label, name, weakest_link, tracks, first, last
FROM v_students
WHERE session_id = :session AND role = 'student' AND weakest_link < 0.95
ORDER BY weakest_link, label;

-- lessons: Which lessons went well?
SELECT windows.session, judgements.strategy, count(*) AS windows, max(windows.students) AS students,
       avg(windows.balance) AS balance, sum(windows.interested) AS interested, sum(windows.neutral) AS neutral,
       sum(windows.not_interested) AS not_interested
FROM v_class_windows AS windows
JOIN judgements ON judgements.judgement_id = windows.judgement_id
WHERE windows.latest
GROUP BY windows.session_id, windows.session, judgements.strategy
ORDER BY balance DESC, windows.session;

-- students-term: How did a student's term go?
-- Every lesson of the student of that name, in order of time; names come from `classpulse rename` and `roster`. Compare
-- only lessons of one strategy: the verdicts of another one mean something else.
SELECT sessions.recorded, windows.session, judgements.strategy,
       count(*) FILTER (WHERE verdict = 'interested') AS interested,
       count(*) FILTER (WHERE verdict = 'neutral') AS neutral,
       count(*) FILTER (WHERE verdict = 'not interested') AS not_interested,
       avg(windows.balance) AS balance, avg(windows.coverage) AS coverage
FROM v_student_windows AS windows
JOIN sessions ON sessions.session_id = windows.session_id
JOIN judgements ON judgements.judgement_id = windows.judgement_id
WHERE windows.name = :name AND windows.latest
GROUP BY sessions.session_id, sessions.recorded, windows.session, judgements.strategy
ORDER BY sessions.recorded, sessions.session_id;

-- judgements-agree: Do two judgements of a lesson agree?
-- Of the windows that two judgements share, the share with the same verdict.
SELECT one.judgement AS one, other.judgement AS other, count(*) AS windows,
       avg(CASE WHEN one.verdict = other.verdict THEN 1.0 ELSE 0.0 END) AS agree
FROM v_student_windows AS one
JOIN v_student_windows AS other
  ON other.session_id = one.session_id AND other.student = one.student
 AND other.start = one.start AND other.stop = one.stop AND other.judgement_id > one.judgement_id
WHERE one.session_id = :session
GROUP BY one.judgement_id, one.judgement, other.judgement_id, other.judgement
ORDER BY agree;

-- emotions: Which emotion scored highest, minute by minute?
-- The mean score of each class over the scorable faces, the highest first: FER's emotions, or the classes of your scorer.
SELECT faces.segment / 6 AS minute, classes.name AS class, classes.polarity, count(*) AS faces,
       avg(CASE classes.number
           WHEN 1 THEN faces.score_1 WHEN 2 THEN faces.score_2 WHEN 3 THEN faces.score_3 WHEN 4 THEN faces.score_4
           WHEN 5 THEN faces.score_5 WHEN 6 THEN faces.score_6 WHEN 7 THEN faces.score_7 WHEN 8 THEN faces.score_8
           WHEN 9 THEN faces.score_9 WHEN 10 THEN faces.score_10 WHEN 11 THEN faces.score_11 WHEN 12 THEN faces.score_12
       END) AS score
FROM v_faces AS faces
JOIN classes ON classes.session_id = faces.session_id
WHERE faces.session_id = :session AND faces.scorable AND faces.score_1 IS NOT NULL
GROUP BY faces.segment / 6, classes.number, classes.name, classes.polarity
ORDER BY minute, score DESC;

-- classes-prevailed: Which of my scorer's classes prevailed in whom?
-- Where its classes have no polarity, such as "hand raised": the windows in which each was the verdict, and its share of the
-- evidence on the average.
SELECT label, name, class, count(*) FILTER (WHERE verdict = class) AS verdicts, count(*) AS windows,
       avg(share) AS share
FROM v_class_shares
WHERE session_id = :session AND latest
GROUP BY student, label, name, number, class
ORDER BY label, share DESC, number;

-- attention-elsewhere: Whose attention went elsewhere?
-- Windows in which a student who could be seen turned another way than usual, or hid the face, most of the time.
SELECT label, name, at, visible, facing, movement
FROM v_attention
WHERE session_id = :session AND latest AND visible > 0 AND facing IS NOT NULL
ORDER BY visible * facing, start, label
LIMIT 10;

-- class-looked-away: When did the class look away?
SELECT at, count(*) AS students, avg(visible) AS visible, avg(facing) AS facing, avg(movement) AS movement
FROM v_attention
WHERE session_id = :session AND latest AND visible > 0 AND facing IS NOT NULL
GROUP BY start, at
ORDER BY avg(facing), start
LIMIT 5;

-- phases: Which phase of the lesson lost the class?
-- The phases that `classpulse mark` marked, the one with the lowest balance first.
SELECT phase_label, at, verdict, balance, interested, neutral, not_interested, insufficient
FROM v_class_phases
WHERE session_id = :session AND latest AND balance IS NOT NULL
ORDER BY balance, start;

-- student-phases: How did one student fare in the phases of the lesson?
SELECT phase_label, at, verdict, balance, margin, coverage, visible, facing, movement
FROM v_student_phases
WHERE session_id = :session AND latest AND (label = :student OR name = :student)
ORDER BY start;
