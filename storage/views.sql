-- What people query: names beside numbers, session and student in every row. Loaded when a database is made.
--
-- SQL that SQLite and PostgreSQL understand alike. A column that is passed on as it is keeps its type and meaning from
-- the table's column; every other one has them here: `-- name TYPE: meaning`, below `-- view: meaning`.

-- v_students: a student of a session
CREATE VIEW v_students AS
SELECT sessions.session_id, sessions.name AS session, students.student, students.label, people.name,
       students.person, students.first, students.last, students.tracks, students.faces, students.scorable,
       students.coverage, students.weakest_link, students.static, students.x, students.y, students.size,
       students.spread, students.area, students.role
FROM students
JOIN sessions ON sessions.session_id = students.session_id
LEFT JOIN people ON people.person = students.person;

-- v_faces: a face in a frame: when, whose, where, class scores, quality
-- angry DOUBLE: score of the class angry, 0 to 1; NULL: not scored, or the session's classes are not FER's seven
-- disgust DOUBLE: score of the class disgust, 0 to 1; NULL: not scored, or the session's classes are not FER's seven
-- fear DOUBLE: score of the class fear, 0 to 1; NULL: not scored, or the session's classes are not FER's seven
-- happy DOUBLE: score of the class happy, 0 to 1; NULL: not scored, or the session's classes are not FER's seven
-- sad DOUBLE: score of the class sad, 0 to 1; NULL: not scored, or the session's classes are not FER's seven
-- surprise DOUBLE: score of the class surprise, 0 to 1; NULL: not scored, or the session's classes are not FER's seven
-- neutral DOUBLE: score of the class neutral, 0 to 1; NULL: not scored, or the session's classes are not FER's seven
CREATE VIEW v_faces AS
SELECT sessions.session_id, sessions.name AS session, frames.segment, frames.time, faces.track,
       tracks.student, students.label, people.name, faces.pts, faces.face, faces.x1, faces.y1, faces.x2, faces.y2,
       faces.score,
       CASE WHEN fer.session_id IS NOT NULL THEN faces.score_1 END AS angry,
       CASE WHEN fer.session_id IS NOT NULL THEN faces.score_2 END AS disgust,
       CASE WHEN fer.session_id IS NOT NULL THEN faces.score_3 END AS fear,
       CASE WHEN fer.session_id IS NOT NULL THEN faces.score_4 END AS happy,
       CASE WHEN fer.session_id IS NOT NULL THEN faces.score_5 END AS sad,
       CASE WHEN fer.session_id IS NOT NULL THEN faces.score_6 END AS surprise,
       CASE WHEN fer.session_id IS NOT NULL THEN faces.score_7 END AS neutral,
       faces.sharpness, faces.yaw, faces.pitch, faces.roll, faces.quality, faces.scorable,
       faces.score_1, faces.score_2, faces.score_3, faces.score_4, faces.score_5, faces.score_6,
       faces.score_7, faces.score_8, faces.score_9, faces.score_10, faces.score_11, faces.score_12,
       faces.loglik_positive, faces.loglik_neutral, faces.loglik_negative, faces.conditions
FROM faces
JOIN sessions ON sessions.session_id = faces.session_id
JOIN frames ON frames.session_id = faces.session_id AND frames.pts = faces.pts
LEFT JOIN tracks ON tracks.session_id = faces.session_id AND tracks.track = faces.track
LEFT JOIN students ON students.session_id = tracks.session_id AND students.student = tracks.student
LEFT JOIN people ON people.person = students.person
LEFT JOIN (
    SELECT session_id FROM classes GROUP BY session_id
    HAVING count(*) = 7 AND sum(
        CASE WHEN (number = 1 AND name = 'angry') OR (number = 2 AND name = 'disgust')
               OR (number = 3 AND name = 'fear') OR (number = 4 AND name = 'happy')
               OR (number = 5 AND name = 'sad') OR (number = 6 AND name = 'surprise')
               OR (number = 7 AND name = 'neutral') THEN 1 ELSE 0 END
    ) = 7
) AS fer ON fer.session_id = faces.session_id;

-- v_judgements: a judgement of a session
-- latest BOOLEAN: 1 for the judgement of the session that was made last
CREATE VIEW v_judgements AS
SELECT sessions.session_id, sessions.name AS session, judgements.judgement_id,
       judgements.name AS judgement, judgements.strategy, judgements.settings, judgements.created,
       NOT EXISTS (
           SELECT 1 FROM judgements AS later
           WHERE later.session_id = judgements.session_id
             AND later.sequence > judgements.sequence
       ) AS latest, judgements.sequence
FROM judgements
JOIN sessions ON sessions.session_id = judgements.session_id;

-- v_student_windows: the verdict of a student in a window
-- at TEXT: begin of the window, hours:minutes:seconds
CREATE VIEW v_student_windows AS
SELECT v_judgements.session_id, v_judgements.session, v_judgements.judgement_id, v_judgements.judgement,
       v_judgements.latest, students.student, students.label, people.name, student_windows."window",
       CAST(CAST(round(student_windows.start) AS INTEGER) / 3600 AS TEXT)
           || ':' || substr(CAST(CAST(round(student_windows.start) AS INTEGER) % 3600 / 60 + 100 AS TEXT), 2)
           || ':' || substr(CAST(CAST(round(student_windows.start) AS INTEGER) % 60 + 100 AS TEXT), 2) AS at,
       student_windows.start, student_windows.stop, student_windows.verdict,
       student_windows.balance, student_windows.margin, student_windows.coverage, student_windows.frames,
       student_windows.faces, student_windows.scorable, student_windows.positive, student_windows.negative,
       student_windows.p_interested, student_windows.p_neutral, student_windows.p_not_interested,
       student_windows.reason, student_windows.measurable
FROM students
JOIN v_judgements ON v_judgements.session_id = students.session_id
JOIN student_windows
  ON student_windows.judgement_id = v_judgements.judgement_id AND student_windows.student = students.student
LEFT JOIN people ON people.person = students.person;

-- v_class_windows: the verdict of the class in a window
-- at TEXT: begin of the window, hours:minutes:seconds
CREATE VIEW v_class_windows AS
SELECT v_judgements.session_id, v_judgements.session, v_judgements.judgement_id, v_judgements.judgement,
       v_judgements.latest, class_windows."window",
       CAST(CAST(round(class_windows.start) AS INTEGER) / 3600 AS TEXT)
           || ':' || substr(CAST(CAST(round(class_windows.start) AS INTEGER) % 3600 / 60 + 100 AS TEXT), 2)
           || ':' || substr(CAST(CAST(round(class_windows.start) AS INTEGER) % 60 + 100 AS TEXT), 2) AS at,
       class_windows.start, class_windows.stop, class_windows.verdict,
       class_windows.balance, class_windows.margin, class_windows.coverage, class_windows.students,
       class_windows.interested, class_windows.neutral, class_windows.not_interested, class_windows.insufficient,
       class_windows.faces, class_windows.scorable,
       class_windows.p_interested, class_windows.p_neutral, class_windows.p_not_interested,
       class_windows.reason, class_windows.present, class_windows.measured, class_windows.attention_only
FROM class_windows
JOIN v_judgements ON v_judgements.judgement_id = class_windows.judgement_id;

-- v_unmeasured: a student who could not be measured in at least half of a judgement's windows, and why
-- windows INTEGER: windows of the judgement
-- unmeasured DOUBLE: share of them whose evidence carries no verdict, 0 to 1
-- detected DOUBLE: share of their sampled frames with a face of the student, 0 to 1
-- scorable DOUBLE: share of these faces whose emotion scores mean something, 0 to 1; NULL: none was detected
-- why TEXT: seldom in the picture (in under half of the frames); or, where under half of the faces detected are
--   scorable, too small (under 24 px) or else turned away or blurred; otherwise too uncertain
CREATE VIEW v_unmeasured AS
SELECT v_judgements.session_id, v_judgements.session, v_judgements.judgement_id, v_judgements.judgement,
       v_judgements.latest, students.student, students.label, people.name, students.area, students.size,
       counted.windows AS windows, counted.unmeasured AS unmeasured, counted.detected AS detected,
       counted.scorable AS scorable,
       CASE
           WHEN counted.detected < 0.5 THEN 'seldom in the picture'
           WHEN counted.scorable >= 0.5 THEN 'too uncertain'
           WHEN students.size < 24 THEN 'too small'
           ELSE 'turned away or blurred'
       END AS why
FROM (
    SELECT judgement_id, student, count(*) AS windows,
           avg(CASE WHEN verdict = 'insufficient' THEN CAST(1 AS DOUBLE PRECISION) ELSE 0 END) AS unmeasured,
           CAST(sum(faces) AS DOUBLE PRECISION) / NULLIF(sum(frames), 0) AS detected,
           CAST(sum(scorable) AS DOUBLE PRECISION) / NULLIF(sum(faces), 0) AS scorable
    FROM student_windows
    GROUP BY judgement_id, student
) AS counted
JOIN v_judgements ON v_judgements.judgement_id = counted.judgement_id
JOIN students ON students.session_id = v_judgements.session_id AND students.student = counted.student
LEFT JOIN people ON people.person = students.person
WHERE counted.unmeasured >= 0.5 AND students.role = 'student';

-- v_attention: what a student shows in a window beside emotions; no part of a verdict unless the strategy is attention
-- at TEXT: begin of the window, hours:minutes:seconds
CREATE VIEW v_attention AS
SELECT v_judgements.session_id, v_judgements.session, v_judgements.judgement_id, v_judgements.judgement,
       v_judgements.latest, students.student, students.label, people.name, attention_windows."window",
       CAST(CAST(round(student_windows.start) AS INTEGER) / 3600 AS TEXT)
           || ':' || substr(CAST(CAST(round(student_windows.start) AS INTEGER) % 3600 / 60 + 100 AS TEXT), 2)
           || ':' || substr(CAST(CAST(round(student_windows.start) AS INTEGER) % 60 + 100 AS TEXT), 2) AS at,
       student_windows.start, student_windows.stop, attention_windows.visible, attention_windows.facing,
       attention_windows.movement
FROM attention_windows
JOIN student_windows ON student_windows.judgement_id = attention_windows.judgement_id
    AND student_windows.student = attention_windows.student
    AND student_windows."window" = attention_windows."window"
JOIN v_judgements ON v_judgements.judgement_id = attention_windows.judgement_id
JOIN students ON students.session_id = v_judgements.session_id AND students.student = attention_windows.student
LEFT JOIN people ON people.person = students.person;

-- v_class_shares: how much of a student's evidence in a window is for each class, where the classes have no polarity
-- at TEXT: begin of the window, hours:minutes:seconds
CREATE VIEW v_class_shares AS
SELECT v_judgements.session_id, v_judgements.session, v_judgements.judgement_id, v_judgements.judgement,
       v_judgements.latest, students.student, students.label, people.name, class_shares."window",
       CAST(CAST(round(student_windows.start) AS INTEGER) / 3600 AS TEXT)
           || ':' || substr(CAST(CAST(round(student_windows.start) AS INTEGER) % 3600 / 60 + 100 AS TEXT), 2)
           || ':' || substr(CAST(CAST(round(student_windows.start) AS INTEGER) % 60 + 100 AS TEXT), 2) AS at,
       student_windows.start, student_windows.stop, student_windows.verdict, class_shares.number,
       classes.name AS class, class_shares.share
FROM class_shares
JOIN student_windows ON student_windows.judgement_id = class_shares.judgement_id
    AND student_windows.student = class_shares.student
    AND student_windows."window" = class_shares."window"
JOIN v_judgements ON v_judgements.judgement_id = class_shares.judgement_id
JOIN classes ON classes.session_id = v_judgements.session_id AND classes.number = class_shares.number
JOIN students ON students.session_id = v_judgements.session_id AND students.student = class_shares.student
LEFT JOIN people ON people.person = students.person;

-- v_phases: a phase of a lesson that a person marked
-- at TEXT: begin of the phase, hours:minutes:seconds
-- stop DOUBLE: where it ends, s: as given, else at the next phase, else with the session
CREATE VIEW v_phases AS
SELECT sessions.session_id, sessions.name AS session, phases.phase,
       CAST(CAST(round(phases.start) AS INTEGER) / 3600 AS TEXT)
           || ':' || substr(CAST(CAST(round(phases.start) AS INTEGER) % 3600 / 60 + 100 AS TEXT), 2)
           || ':' || substr(CAST(CAST(round(phases.start) AS INTEGER) % 60 + 100 AS TEXT), 2) AS at,
       phases.start,
       COALESCE(
           phases.stop,
           (
               SELECT min(later.start) FROM phases AS later
               WHERE later.session_id = phases.session_id AND later.start > phases.start
           ),
           sessions.duration
       ) AS stop,
       phases.label AS phase_label, phases.made
FROM phases
JOIN sessions ON sessions.session_id = phases.session_id;

-- v_student_phases: the verdict of a student in a lesson phase
-- at TEXT: begin of the phase, hours:minutes:seconds
CREATE VIEW v_student_phases AS
SELECT v_judgements.session_id, v_judgements.session, v_judgements.judgement_id, v_judgements.judgement,
       v_judgements.latest, students.student, students.label, people.name, student_phases.phase, phases.label AS phase_label,
       CAST(CAST(round(student_phases.start) AS INTEGER) / 3600 AS TEXT)
           || ':' || substr(CAST(CAST(round(student_phases.start) AS INTEGER) % 3600 / 60 + 100 AS TEXT), 2)
           || ':' || substr(CAST(CAST(round(student_phases.start) AS INTEGER) % 60 + 100 AS TEXT), 2) AS at,
       student_phases.start, student_phases.stop, student_phases.verdict, student_phases.balance, student_phases.margin,
       student_phases.coverage, student_phases.frames, student_phases.faces, student_phases.scorable,
       student_phases.positive, student_phases.negative, student_phases.visible, student_phases.facing,
       student_phases.movement,
       student_phases.p_interested, student_phases.p_neutral, student_phases.p_not_interested,
       student_phases.reason, student_phases.measurable
FROM student_phases
JOIN v_judgements ON v_judgements.judgement_id = student_phases.judgement_id
JOIN phases ON phases.session_id = v_judgements.session_id AND phases.phase = student_phases.phase
JOIN students ON students.session_id = v_judgements.session_id AND students.student = student_phases.student
LEFT JOIN people ON people.person = students.person;

-- v_class_phases: the verdict of the class in a lesson phase
-- at TEXT: begin of the phase, hours:minutes:seconds
CREATE VIEW v_class_phases AS
SELECT v_judgements.session_id, v_judgements.session, v_judgements.judgement_id, v_judgements.judgement,
       v_judgements.latest, class_phases.phase, phases.label AS phase_label,
       CAST(CAST(round(class_phases.start) AS INTEGER) / 3600 AS TEXT)
           || ':' || substr(CAST(CAST(round(class_phases.start) AS INTEGER) % 3600 / 60 + 100 AS TEXT), 2)
           || ':' || substr(CAST(CAST(round(class_phases.start) AS INTEGER) % 60 + 100 AS TEXT), 2) AS at,
       class_phases.start, class_phases.stop, class_phases.verdict, class_phases.balance, class_phases.margin,
       class_phases.coverage, class_phases.students, class_phases.interested, class_phases.neutral,
       class_phases.not_interested, class_phases.insufficient, class_phases.faces, class_phases.scorable,
       class_phases.p_interested, class_phases.p_neutral, class_phases.p_not_interested,
       class_phases.reason, class_phases.present, class_phases.measured, class_phases.attention_only
FROM class_phases
JOIN v_judgements ON v_judgements.judgement_id = class_phases.judgement_id
JOIN phases ON phases.session_id = v_judgements.session_id AND phases.phase = class_phases.phase;
