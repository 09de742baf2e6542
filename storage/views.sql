-- What people query: names beside numbers, session and student in every row. Loaded when a database is made.

CREATE VIEW v_students AS
SELECT sessions.id AS session_id, sessions.name AS session, students.student, students.label, people.name,
       students.person, students.first, students.last, students.tracks, students.faces, students.scorable, students.coverage,
       students.weakest_link, students.static, students.x, students.y, students.size, students.spread
FROM students
JOIN sessions ON sessions.id = students.session_id
LEFT JOIN people ON people.person = students.person;

CREATE VIEW v_faces AS
SELECT sessions.id AS session_id, sessions.name AS session, frames.time, faces.track, tracks.student,
       students.label, people.name, faces.pts, faces.face, faces.x1, faces.y1, faces.x2, faces.y2, faces.score,
       faces.angry, faces.disgust, faces.fear, faces.happy, faces.sad, faces.surprise, faces.neutral,
       faces.sharpness, faces.yaw, faces.pitch, faces.roll, faces.quality, faces.scorable
FROM faces
JOIN sessions ON sessions.id = faces.session_id
JOIN frames ON frames.session_id = faces.session_id AND frames.pts = faces.pts
LEFT JOIN tracks ON tracks.session_id = faces.session_id AND tracks.track = faces.track
LEFT JOIN students ON students.session_id = tracks.session_id AND students.student = tracks.student
LEFT JOIN people ON people.person = students.person;

-- latest is 1 for the judgement of a session that was made last.
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

CREATE VIEW v_student_windows AS
SELECT v_judgements.session_id, v_judgements.session, v_judgements.judgement_id, v_judgements.judgement,
       v_judgements.latest, students.student, students.label, people.name,
       student_windows."window", student_windows.start, student_windows.stop, student_windows.verdict,
       student_windows.balance, student_windows.margin, student_windows.coverage, student_windows.frames,
       student_windows.faces, student_windows.scorable, student_windows.positive, student_windows.negative
FROM student_windows
JOIN v_judgements ON v_judgements.judgement_id = student_windows.judgement_id
JOIN students ON students.session_id = v_judgements.session_id AND students.student = student_windows.student
LEFT JOIN people ON people.person = students.person;

CREATE VIEW v_class_windows AS
SELECT v_judgements.session_id, v_judgements.session, v_judgements.judgement_id, v_judgements.judgement,
       v_judgements.latest, class_windows."window", class_windows.start, class_windows.stop, class_windows.verdict,
       class_windows.balance, class_windows.margin, class_windows.coverage, class_windows.students,
       class_windows.interested, class_windows.neutral, class_windows.not_interested, class_windows.insufficient,
       class_windows.faces, class_windows.scorable
FROM class_windows
JOIN v_judgements ON v_judgements.judgement_id = class_windows.judgement_id;
