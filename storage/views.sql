-- What people query: names beside numbers, session and student in every row. Loaded when a database is made.
--
-- SQL that SQLite and PostgreSQL understand alike. A column that is passed on as it is keeps its type and meaning from
-- the table's column; every other one has them here: `-- name TYPE: meaning`, below `-- view: meaning`.

-- v_students: a student of a session
CREATE VIEW v_students AS
SELECT sessions.id AS session_id, sessions.name AS session, students.student, students.label, people.name,
       students.person, students.first, students.last, students.tracks, students.faces, students.scorable,
       students.coverage, students.weakest_link, students.static, students.x, students.y, students.size,
       students.spread, students.area
FROM students
JOIN sessions ON sessions.id = students.session_id
LEFT JOIN people ON people.person = students.person;

-- v_faces: a face in a frame: when, whose, where, seven emotions, quality
CREATE VIEW v_faces AS
SELECT sessions.id AS session_id, sessions.name AS session, frames.segment, frames.time, faces.track,
       tracks.student, students.label, people.name, faces.pts, faces.face, faces.x1, faces.y1, faces.x2, faces.y2,
       faces.score, faces.angry, faces.disgust, faces.fear, faces.happy, faces.sad, faces.surprise, faces.neutral,
       faces.sharpness, faces.yaw, faces.pitch, faces.roll, faces.quality, faces.scorable
FROM faces
JOIN sessions ON sessions.id = faces.session_id
JOIN frames ON frames.session_id = faces.session_id AND frames.pts = faces.pts
LEFT JOIN tracks ON tracks.session_id = faces.session_id AND tracks.track = faces.track
LEFT JOIN students ON students.session_id = tracks.session_id AND students.student = tracks.student
LEFT JOIN people ON people.person = students.person;

-- v_judgements: a judgement of a session
-- latest BOOLEAN: 1 for the judgement of the session that was made last
CREATE VIEW v_judgements AS
SELECT sessions.id AS session_id, sessions.name AS session, judgements.id AS judgement_id,
       judgements.name AS judgement, judgements.strategy, judgements.settings, judgements.created,
       NOT EXISTS (
           SELECT 1 FROM judgements AS later
           WHERE later.session_id = judgements.session_id
             AND (later.created, later.id) > (judgements.created, judgements.id)
       ) AS latest
FROM judgements
JOIN sessions ON sessions.id = judgements.session_id;

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
       student_windows.faces, student_windows.scorable, student_windows.positive, student_windows.negative
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
       class_windows.faces, class_windows.scorable
FROM class_windows
JOIN v_judgements ON v_judgements.judgement_id = class_windows.judgement_id;

-- v_unmeasured: a student who could not be measured in at least half of a judgement's windows, and why
-- windows INTEGER: windows of the judgement
-- unmeasured DOUBLE: share of them whose evidence carries no verdict, 0 to 1
-- seen DOUBLE: share of their sampled frames with a face of the student, 0 to 1
-- scorable DOUBLE: share of these faces whose emotion scores mean something, 0 to 1; NULL: none was seen
-- why TEXT: seldom in the picture (in under half of the frames); or, where under half of the faces seen are
--   scorable, too small (under 24 px) or else turned away or blurred; otherwise too uncertain
CREATE VIEW v_unmeasured AS
SELECT v_judgements.session_id, v_judgements.session, v_judgements.judgement_id, v_judgements.judgement,
       v_judgements.latest, students.student, students.label, people.name, students.area, students.size,
       counted.windows AS windows, counted.unmeasured AS unmeasured, counted.seen AS seen,
       counted.scorable AS scorable,
       CASE
           WHEN counted.seen < 0.5 THEN 'seldom in the picture'
           WHEN counted.scorable >= 0.5 THEN 'too uncertain'
           WHEN students.size < 24 THEN 'too small'
           ELSE 'turned away or blurred'
       END AS why
FROM (
    SELECT judgement_id, student, count(*) AS windows,
           avg(CASE WHEN verdict = 'insufficient' THEN CAST(1 AS DOUBLE PRECISION) ELSE 0 END) AS unmeasured,
           CAST(sum(faces) AS DOUBLE PRECISION) / NULLIF(sum(frames), 0) AS seen,
           CAST(sum(scorable) AS DOUBLE PRECISION) / NULLIF(sum(faces), 0) AS scorable
    FROM student_windows
    GROUP BY judgement_id, student
) AS counted
JOIN v_judgements ON v_judgements.judgement_id = counted.judgement_id
JOIN students ON students.session_id = v_judgements.session_id AND students.student = counted.student
LEFT JOIN people ON people.person = students.person
WHERE counted.unmeasured >= 0.5 AND NOT students.static;

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

-- v_marks: a part of a session that a person marked
-- at TEXT: begin of the part, hours:minutes:seconds
-- stop DOUBLE: where it ends, s: as marked, else at the next mark, else with the session
CREATE VIEW v_marks AS
SELECT sessions.id AS session_id, sessions.name AS session, marks.mark,
       CAST(CAST(round(marks.start) AS INTEGER) / 3600 AS TEXT)
           || ':' || substr(CAST(CAST(round(marks.start) AS INTEGER) % 3600 / 60 + 100 AS TEXT), 2)
           || ':' || substr(CAST(CAST(round(marks.start) AS INTEGER) % 60 + 100 AS TEXT), 2) AS at,
       marks.start,
       COALESCE(
           marks.stop,
           (
               SELECT min(later.start) FROM marks AS later
               WHERE later.session_id = marks.session_id AND later.start > marks.start
           ),
           sessions.duration
       ) AS stop,
       marks.label AS part, marks.made
FROM marks
JOIN sessions ON sessions.id = marks.session_id;

-- v_student_parts: the verdict of a student in a marked part
-- at TEXT: begin of the part, hours:minutes:seconds
CREATE VIEW v_student_parts AS
SELECT v_judgements.session_id, v_judgements.session, v_judgements.judgement_id, v_judgements.judgement,
       v_judgements.latest, students.student, students.label, people.name, student_parts.mark, marks.label AS part,
       CAST(CAST(round(student_parts.start) AS INTEGER) / 3600 AS TEXT)
           || ':' || substr(CAST(CAST(round(student_parts.start) AS INTEGER) % 3600 / 60 + 100 AS TEXT), 2)
           || ':' || substr(CAST(CAST(round(student_parts.start) AS INTEGER) % 60 + 100 AS TEXT), 2) AS at,
       student_parts.start, student_parts.stop, student_parts.verdict, student_parts.balance, student_parts.margin,
       student_parts.coverage, student_parts.frames, student_parts.faces, student_parts.scorable,
       student_parts.positive, student_parts.negative, student_parts.visible, student_parts.facing,
       student_parts.movement
FROM student_parts
JOIN v_judgements ON v_judgements.judgement_id = student_parts.judgement_id
JOIN marks ON marks.session_id = v_judgements.session_id AND marks.mark = student_parts.mark
JOIN students ON students.session_id = v_judgements.session_id AND students.student = student_parts.student
LEFT JOIN people ON people.person = students.person;

-- v_class_parts: the verdict of the class in a marked part
-- at TEXT: begin of the part, hours:minutes:seconds
CREATE VIEW v_class_parts AS
SELECT v_judgements.session_id, v_judgements.session, v_judgements.judgement_id, v_judgements.judgement,
       v_judgements.latest, class_parts.mark, marks.label AS part,
       CAST(CAST(round(class_parts.start) AS INTEGER) / 3600 AS TEXT)
           || ':' || substr(CAST(CAST(round(class_parts.start) AS INTEGER) % 3600 / 60 + 100 AS TEXT), 2)
           || ':' || substr(CAST(CAST(round(class_parts.start) AS INTEGER) % 60 + 100 AS TEXT), 2) AS at,
       class_parts.start, class_parts.stop, class_parts.verdict, class_parts.balance, class_parts.margin,
       class_parts.coverage, class_parts.students, class_parts.interested, class_parts.neutral,
       class_parts.not_interested, class_parts.insufficient, class_parts.faces, class_parts.scorable
FROM class_parts
JOIN v_judgements ON v_judgements.judgement_id = class_parts.judgement_id
JOIN marks ON marks.session_id = v_judgements.session_id AND marks.mark = class_parts.mark;
