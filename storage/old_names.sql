-- What tables, columns and views were called until schema version 2, for one release: SQL that was written before goes
-- on. Made after the views of views.sql; not documented beyond docs/sql.md's list, and to be left out of the next.

CREATE VIEW repairs AS
SELECT session_id, correction AS repair, action, arguments, made, undone FROM corrections;

CREATE VIEW marks AS
SELECT session_id, phase AS mark, start, stop, label, made FROM phases;

CREATE VIEW student_parts AS
SELECT judgement_id, student, phase AS mark, start, stop, verdict, balance, margin, coverage, frames, faces, scorable,
       positive, negative, visible, facing, movement
FROM student_phases;

CREATE VIEW class_parts AS
SELECT judgement_id, phase AS mark, start, stop, verdict, balance, margin, coverage, students, interested, neutral,
       not_interested, insufficient, faces, scorable
FROM class_phases;

CREATE VIEW sessions_v2 AS
SELECT session_id AS id, name, source, file_name, sha256, recorded, settings, version, models, time_base, start_pts,
       width, height, duration,
       CASE state WHEN 'detecting' THEN 'seeing' WHEN 'detected' THEN 'seen' ELSE state END AS state,
       created, finished
FROM sessions;

CREATE VIEW judgements_v2 AS
SELECT judgement_id AS id, session_id, name, strategy, settings, created FROM judgements;

CREATE VIEW faces_v2 AS
SELECT faces.session_id, faces.pts, faces.face, faces.x1, faces.y1, faces.x2, faces.y2, faces.score, faces.landmarks,
       v_faces.angry, v_faces.disgust, v_faces.fear, v_faces.happy, v_faces.sad, v_faces.surprise, v_faces.neutral,
       faces.sharpness, faces.yaw, faces.pitch, faces.roll, faces.quality, faces.scorable, faces.appearance AS look,
       faces.track
FROM faces
JOIN v_faces ON v_faces.session_id = faces.session_id AND v_faces.pts = faces.pts AND v_faces.face = faces.face;

CREATE VIEW profiles_v2 AS
SELECT name, settings, origin, sha256, coders, students, intervals AS stretches, kappa_before, kappa_in, kappa_out,
       made
FROM profiles;

CREATE VIEW v_marks AS
SELECT session_id, session, phase AS mark, at, start, stop, phase_label AS part, made FROM v_phases;

CREATE VIEW v_student_parts AS
SELECT session_id, session, judgement_id, judgement, latest, student, label, name, phase AS mark, phase_label AS part,
       at, start, stop, verdict, balance, margin, coverage, frames, faces, scorable, positive, negative, visible,
       facing, movement
FROM v_student_phases;

CREATE VIEW v_class_parts AS
SELECT session_id, session, judgement_id, judgement, latest, phase AS mark, phase_label AS part, at, start, stop,
       verdict, balance, margin, coverage, students, interested, neutral, not_interested, insufficient, faces,
       scorable
FROM v_class_phases;
