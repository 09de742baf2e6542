-- The tables and views of schema version 2 as classpulse made them on PostgreSQL; version_2.sql has rows for them.
CREATE TABLE sessions (
	id SERIAL NOT NULL,
	name TEXT NOT NULL,
	source TEXT NOT NULL,
	file_name TEXT NOT NULL,
	sha256 TEXT NOT NULL,
	recorded TEXT,
	settings TEXT NOT NULL,
	version TEXT NOT NULL,
	models TEXT NOT NULL,
	time_base TEXT NOT NULL,
	start_pts BIGINT NOT NULL,
	width INTEGER NOT NULL,
	height INTEGER NOT NULL,
	duration DOUBLE PRECISION,
	state TEXT NOT NULL,
	created TEXT NOT NULL,
	finished TEXT,
	CONSTRAINT pk_sessions PRIMARY KEY (id),
	CONSTRAINT ck_sessions_state CHECK (state IN ('seeing', 'seen', 'done'))
);
COMMENT ON TABLE sessions IS 'one recording of one class';
COMMENT ON COLUMN sessions.id IS 'the session''s number; never given to another';
COMMENT ON COLUMN sessions.name IS 'what the user calls the session';
COMMENT ON COLUMN sessions.source IS 'path of the recording, as it was analysed';
COMMENT ON COLUMN sessions.file_name IS 'last part of the source';
COMMENT ON COLUMN sessions.sha256 IS 'of the recording''s bytes, hexadecimal';
COMMENT ON COLUMN sessions.recorded IS 'when the recording began, UTC, ISO 8601; NULL where the file does not say';
COMMENT ON COLUMN sessions.settings IS 'every setting of the analysis, JSON';
COMMENT ON COLUMN sessions.version IS 'of the software that saw it';
COMMENT ON COLUMN sessions.models IS 'sha256 of each network, JSON';
COMMENT ON COLUMN sessions.time_base IS 'length of a tick, s, as ''numerator/denominator''';
COMMENT ON COLUMN sessions.start_pts IS 'ticks; where session time is 0';
COMMENT ON COLUMN sessions.width IS 'of the upright picture, px';
COMMENT ON COLUMN sessions.height IS 'of the upright picture, px';
COMMENT ON COLUMN sessions.duration IS 'length of what was really decoded, s; NULL until every segment is seen';
COMMENT ON COLUMN sessions.state IS 'seeing: segments are missing; seen: to be followed and judged; done';
COMMENT ON COLUMN sessions.created IS 'when the analysis began, UTC, ISO 8601';
COMMENT ON COLUMN sessions.finished IS 'when it was last judged, UTC, ISO 8601';
CREATE TABLE people (
	person SERIAL NOT NULL,
	name TEXT,
	CONSTRAINT pk_people PRIMARY KEY (person),
	CONSTRAINT uq_people_name UNIQUE (name)
);
COMMENT ON TABLE people IS 'the one table with names: what a person is called, in every session and roster';
COMMENT ON COLUMN people.person IS 'the person''s number; never given to another';
COMMENT ON COLUMN people.name IS 'given by a person, unique; NULL: dropped, or kept apart';
CREATE TABLE profiles (
	name TEXT NOT NULL,
	settings TEXT NOT NULL,
	origin TEXT NOT NULL,
	sha256 TEXT NOT NULL,
	coders INTEGER NOT NULL,
	students INTEGER NOT NULL,
	stretches INTEGER NOT NULL,
	kappa_before DOUBLE PRECISION,
	kappa_in DOUBLE PRECISION,
	kappa_out DOUBLE PRECISION,
	made TEXT NOT NULL,
	CONSTRAINT pk_profiles PRIMARY KEY (name)
);
COMMENT ON TABLE profiles IS 'settings of judging under a name, fitted on the codes of people';
COMMENT ON COLUMN profiles.name IS 'the profile''s name';
COMMENT ON COLUMN profiles.settings IS 'what `judge --profile` judges with, JSON';
COMMENT ON COLUMN profiles.origin IS 'how it was fitted, and what that is worth';
COMMENT ON COLUMN profiles.sha256 IS 'of the recording that was coded, hexadecimal';
COMMENT ON COLUMN profiles.coders IS 'people who coded it';
COMMENT ON COLUMN profiles.students IS 'students coded';
COMMENT ON COLUMN profiles.stretches IS 'stretches with a code of most coders';
COMMENT ON COLUMN profiles.kappa_before IS 'Cohen''s kappa of the settings as they were, -1 to 1; NULL: undefined';
COMMENT ON COLUMN profiles.kappa_in IS 'of the profile, on the codes that it was fitted on, -1 to 1; NULL: undefined';
COMMENT ON COLUMN profiles.kappa_out IS 'of the fit, on students left out of it in turn, -1 to 1; NULL: undefined';
COMMENT ON COLUMN profiles.made IS 'when, UTC, ISO 8601';
CREATE TABLE rules (
	rule TEXT NOT NULL,
	value TEXT NOT NULL,
	CONSTRAINT pk_rules PRIMARY KEY (rule)
);
COMMENT ON TABLE rules IS 'what is set for the whole database';
COMMENT ON COLUMN rules.rule IS 'retention: how many days a session may be kept';
COMMENT ON COLUMN rules.value IS 'what is set';
CREATE TABLE audit (
	entry SERIAL NOT NULL,
	at TEXT NOT NULL,
	who TEXT NOT NULL,
	command TEXT NOT NULL,
	session_id INTEGER,
	arguments TEXT NOT NULL,
	outcome TEXT NOT NULL,
	CONSTRAINT pk_audit PRIMARY KEY (entry),
	CONSTRAINT ck_audit_outcome CHECK (outcome IN ('done', 'failed', 'stopped'))
);
COMMENT ON TABLE audit IS 'who ran which command on what';
COMMENT ON COLUMN audit.entry IS '1, 2, ... in the order in which they were noted';
COMMENT ON COLUMN audit.at IS 'when the command ended, UTC, ISO 8601';
COMMENT ON COLUMN audit.who IS 'name of the user at the operating system';
COMMENT ON COLUMN audit.command IS 'analyze, query, rename, ...';
COMMENT ON COLUMN audit.session_id IS 'the session it was about; NULL: several, all or none';
COMMENT ON COLUMN audit.arguments IS 'what was given, JSON, with numbers of people for names and without the texts in SQL';
COMMENT ON COLUMN audit.outcome IS 'done, failed or stopped';
CREATE TABLE segments (
	session_id INTEGER NOT NULL,
	segment BIGINT NOT NULL,
	frames INTEGER NOT NULL,
	faces INTEGER NOT NULL,
	committed TEXT NOT NULL,
	CONSTRAINT pk_segments PRIMARY KEY (session_id, segment),
	CONSTRAINT fk_segments_session_id_sessions FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
COMMENT ON TABLE segments IS 'a stretch of 10 s that is seen and committed as a whole';
COMMENT ON COLUMN segments.session_id IS 'the session';
COMMENT ON COLUMN segments.segment IS '0, 1, ...: 10 s each';
COMMENT ON COLUMN segments.frames IS 'sampled frames in it';
COMMENT ON COLUMN segments.faces IS 'faces in it';
COMMENT ON COLUMN segments.committed IS 'when it was written, UTC, ISO 8601';
CREATE TABLE students (
	session_id INTEGER NOT NULL,
	student BIGINT NOT NULL,
	label TEXT NOT NULL,
	person INTEGER,
	first DOUBLE PRECISION NOT NULL,
	last DOUBLE PRECISION NOT NULL,
	tracks INTEGER NOT NULL,
	faces INTEGER NOT NULL,
	scorable INTEGER NOT NULL,
	coverage DOUBLE PRECISION NOT NULL,
	weakest_link DOUBLE PRECISION,
	static BOOLEAN NOT NULL,
	x DOUBLE PRECISION NOT NULL,
	y DOUBLE PRECISION NOT NULL,
	size DOUBLE PRECISION NOT NULL,
	spread DOUBLE PRECISION NOT NULL,
	area TEXT,
	CONSTRAINT pk_students PRIMARY KEY (session_id, student),
	CONSTRAINT uq_students_session_id_label UNIQUE (session_id, label),
	CONSTRAINT fk_students_session_id_sessions FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
CREATE INDEX ix_students_person ON students (person);
COMMENT ON TABLE students IS 'a persistent identity in a session';
COMMENT ON COLUMN students.session_id IS 'the session';
COMMENT ON COLUMN students.student IS 'the student''s number in the session';
COMMENT ON COLUMN students.label IS 'S01, S02, ...';
COMMENT ON COLUMN students.person IS 'the number in people, which has the name; NULL until a person gives one';
COMMENT ON COLUMN students.first IS 'first face, s';
COMMENT ON COLUMN students.last IS 'last face, s';
COMMENT ON COLUMN students.tracks IS 'tracks that make up the student';
COMMENT ON COLUMN students.faces IS 'faces seen';
COMMENT ON COLUMN students.scorable IS 'scorable ones among them';
COMMENT ON COLUMN students.coverage IS 'share of all sampled frames with a scorable face of the student, 0 to 1';
COMMENT ON COLUMN students.weakest_link IS 'lowest link_score of the tracks, 0 to 1; NULL: nothing to link';
COMMENT ON COLUMN students.static IS '1 for a face on a poster or a screen, left out of the class';
COMMENT ON COLUMN students.x IS 'the seat: middle of the face, median, px of the session''s first frame, as if no camera had moved';
COMMENT ON COLUMN students.y IS 'the seat, likewise, px';
COMMENT ON COLUMN students.size IS 'side of a square as large as the face, median, px';
COMMENT ON COLUMN students.spread IS 'median distance from the seat, in face sizes';
COMMENT ON COLUMN students.area IS 'where the seat is: back, middle or front, and left, centre or right, as seen in the picture; NULL: a static face, or followed by an older version';
CREATE TABLE repairs (
	session_id INTEGER NOT NULL,
	repair BIGINT NOT NULL,
	action TEXT NOT NULL,
	arguments TEXT NOT NULL,
	made TEXT NOT NULL,
	undone TEXT,
	CONSTRAINT pk_repairs PRIMARY KEY (session_id, repair),
	CONSTRAINT ck_repairs_action CHECK (action IN ('rename', 'merge', 'split', 'forget')),
	CONSTRAINT fk_repairs_session_id_sessions FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
COMMENT ON TABLE repairs IS 'what a person put right in a session; what was found and all that holds make the students';
COMMENT ON COLUMN repairs.session_id IS 'the session';
COMMENT ON COLUMN repairs.repair IS '1, 2, ... in the order in which they were made';
COMMENT ON COLUMN repairs.action IS 'rename, merge, split or forget';
COMMENT ON COLUMN repairs.arguments IS 'what was given, JSON: labels of students, the time in s, numbers of people';
COMMENT ON COLUMN repairs.made IS 'when, UTC, ISO 8601';
COMMENT ON COLUMN repairs.undone IS 'when it was undone, UTC, ISO 8601; NULL while it holds';
CREATE TABLE seats (
	room TEXT NOT NULL,
	person INTEGER NOT NULL,
	x DOUBLE PRECISION NOT NULL,
	y DOUBLE PRECISION NOT NULL,
	size DOUBLE PRECISION NOT NULL,
	spread DOUBLE PRECISION NOT NULL,
	session_id INTEGER,
	saved TEXT NOT NULL,
	CONSTRAINT pk_seats PRIMARY KEY (room, person),
	CONSTRAINT fk_seats_session_id_sessions FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE SET NULL
);
COMMENT ON TABLE seats IS 'the roster of a room: who sits where, as the user keeps it';
COMMENT ON COLUMN seats.room IS 'what the user calls the room';
COMMENT ON COLUMN seats.person IS 'who sits there, a number in people';
COMMENT ON COLUMN seats.x IS 'middle of the face, share of the picture''s width';
COMMENT ON COLUMN seats.y IS 'middle of the face, share of the picture''s height';
COMMENT ON COLUMN seats.size IS 'side of a square as large as the face, share of the picture''s height';
COMMENT ON COLUMN seats.spread IS 'median distance from the seat, in face sizes';
COMMENT ON COLUMN seats.session_id IS 'where it was seen; NULL: deleted';
COMMENT ON COLUMN seats.saved IS 'when, UTC, ISO 8601';
CREATE TABLE excluded (
	session_id INTEGER NOT NULL,
	region BIGINT NOT NULL,
	x DOUBLE PRECISION NOT NULL,
	y DOUBLE PRECISION NOT NULL,
	size DOUBLE PRECISION NOT NULL,
	since TEXT NOT NULL,
	CONSTRAINT pk_excluded PRIMARY KEY (session_id, region),
	CONSTRAINT fk_excluded_session_id_sessions FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
COMMENT ON TABLE excluded IS 'a square of the picture whose faces are not kept, and are blurred wherever a picture is shown';
COMMENT ON COLUMN excluded.session_id IS 'the session';
COMMENT ON COLUMN excluded.region IS '1, 2, ...';
COMMENT ON COLUMN excluded.x IS 'middle, px of the session''s first frame, as if no camera had moved';
COMMENT ON COLUMN excluded.y IS 'middle, likewise, px';
COMMENT ON COLUMN excluded.size IS 'side of the square, px';
COMMENT ON COLUMN excluded.since IS 'when it was excluded, UTC, ISO 8601';
CREATE TABLE judgements (
	id SERIAL NOT NULL,
	session_id INTEGER NOT NULL,
	name TEXT NOT NULL,
	strategy TEXT NOT NULL,
	settings TEXT NOT NULL,
	created TEXT NOT NULL,
	CONSTRAINT pk_judgements PRIMARY KEY (id),
	CONSTRAINT uq_judgements_session_id_name UNIQUE (session_id, name),
	CONSTRAINT fk_judgements_session_id_sessions FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
COMMENT ON TABLE judgements IS 'one way of judging a session; many can stand side by side';
COMMENT ON COLUMN judgements.id IS 'the judgement''s number';
COMMENT ON COLUMN judgements.session_id IS 'the session';
COMMENT ON COLUMN judgements.name IS 'the judgement''s name, unique in the session';
COMMENT ON COLUMN judgements.strategy IS 'weighted, sum, dominant or attention';
COMMENT ON COLUMN judgements.settings IS 'every setting that it was made with, JSON';
COMMENT ON COLUMN judgements.created IS 'when it was made, UTC, ISO 8601';
CREATE TABLE marks (
	session_id INTEGER NOT NULL,
	mark BIGINT NOT NULL,
	start DOUBLE PRECISION NOT NULL,
	stop DOUBLE PRECISION,
	label TEXT NOT NULL,
	made TEXT NOT NULL,
	CONSTRAINT pk_marks PRIMARY KEY (session_id, mark),
	CONSTRAINT fk_marks_session_id_sessions FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
COMMENT ON TABLE marks IS 'a part of a session that a person marked; every judgement judges the parts besides its windows';
COMMENT ON COLUMN marks.session_id IS 'the session';
COMMENT ON COLUMN marks.mark IS '1, 2, ... in the order in which they were made';
COMMENT ON COLUMN marks.start IS 'where the part begins, s';
COMMENT ON COLUMN marks.stop IS 'where it ends, s; NULL: at the next mark, or with the session';
COMMENT ON COLUMN marks.label IS 'what the user calls the part';
COMMENT ON COLUMN marks.made IS 'when, UTC, ISO 8601';
CREATE TABLE frames (
	session_id BIGINT NOT NULL,
	pts BIGINT NOT NULL,
	segment INTEGER NOT NULL,
	time DOUBLE PRECISION NOT NULL,
	faces INTEGER NOT NULL,
	camera_a DOUBLE PRECISION,
	camera_b DOUBLE PRECISION,
	camera_x DOUBLE PRECISION,
	camera_y DOUBLE PRECISION,
	CONSTRAINT pk_frames PRIMARY KEY (session_id, pts),
	CONSTRAINT fk_frames_session_id_segment_segments FOREIGN KEY(session_id, segment) REFERENCES segments (session_id, segment) ON DELETE CASCADE
);
COMMENT ON TABLE frames IS 'a sampled image, also one without a face';
COMMENT ON COLUMN frames.session_id IS 'the session';
COMMENT ON COLUMN frames.pts IS 'media timestamp, ticks of the session''s time base';
COMMENT ON COLUMN frames.segment IS 'the segment it lies in';
COMMENT ON COLUMN frames.time IS 'media timestamp, s';
COMMENT ON COLUMN frames.faces IS 'faces found in it, also 0';
COMMENT ON COLUMN frames.camera_a IS 'the background at (x, y) in the sampled frame before is at (a x - b y + camera_x, b x + a y + camera_y) in this one; NULL where unknown';
COMMENT ON COLUMN frames.camera_b IS 'the background at (x, y) in the sampled frame before is at (a x - b y + camera_x, b x + a y + camera_y) in this one; NULL where unknown';
COMMENT ON COLUMN frames.camera_x IS 'px; the background at (x, y) in the sampled frame before is at (a x - b y + camera_x, b x + a y + camera_y) in this one; NULL where unknown';
COMMENT ON COLUMN frames.camera_y IS 'px; the background at (x, y) in the sampled frame before is at (a x - b y + camera_x, b x + a y + camera_y) in this one; NULL where unknown';
CREATE TABLE tracks (
	session_id INTEGER NOT NULL,
	track BIGINT NOT NULL,
	student BIGINT,
	first DOUBLE PRECISION NOT NULL,
	last DOUBLE PRECISION NOT NULL,
	faces INTEGER NOT NULL,
	link_score DOUBLE PRECISION,
	static BOOLEAN NOT NULL,
	found BIGINT,
	part_of BIGINT NOT NULL,
	CONSTRAINT pk_tracks PRIMARY KEY (session_id, track),
	CONSTRAINT fk_tracks_session_id_student_students FOREIGN KEY(session_id, student) REFERENCES students (session_id, student),
	CONSTRAINT fk_tracks_session_id_sessions FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
COMMENT ON TABLE tracks IS 'an unbroken run of faces that the tracker linked';
COMMENT ON COLUMN tracks.session_id IS 'the session';
COMMENT ON COLUMN tracks.track IS 'the track''s number in the session';
COMMENT ON COLUMN tracks.student IS 'whose track it is; NULL: nobody''s';
COMMENT ON COLUMN tracks.first IS 'first face, s';
COMMENT ON COLUMN tracks.last IS 'last face, s';
COMMENT ON COLUMN tracks.faces IS 'faces in it';
COMMENT ON COLUMN tracks.link_score IS 'certainty that it continues its student, 0 to 1; NULL: nothing to link';
COMMENT ON COLUMN tracks.static IS '1 where nothing of the face ever moved: a poster or a screen';
COMMENT ON COLUMN tracks.found IS 'whose it was before a person repaired anything; NULL: nobody''s';
COMMENT ON COLUMN tracks.part_of IS 'the track it was before a person split it, else itself';
CREATE TABLE student_windows (
	judgement_id INTEGER NOT NULL,
	student BIGINT NOT NULL,
	"window" BIGINT NOT NULL,
	start DOUBLE PRECISION NOT NULL,
	stop DOUBLE PRECISION NOT NULL,
	verdict TEXT NOT NULL,
	balance DOUBLE PRECISION,
	margin DOUBLE PRECISION,
	coverage DOUBLE PRECISION NOT NULL,
	frames INTEGER NOT NULL,
	faces INTEGER NOT NULL,
	scorable INTEGER NOT NULL,
	positive DOUBLE PRECISION NOT NULL,
	negative DOUBLE PRECISION NOT NULL,
	CONSTRAINT pk_student_windows PRIMARY KEY (judgement_id, student, "window"),
	CONSTRAINT ck_student_windows_verdict CHECK (verdict IN ('interested', 'neutral', 'not interested', 'insufficient')),
	CONSTRAINT fk_student_windows_judgement_id_judgements FOREIGN KEY(judgement_id) REFERENCES judgements (id) ON DELETE CASCADE
);
COMMENT ON TABLE student_windows IS 'the verdict of one student in one window';
COMMENT ON COLUMN student_windows.judgement_id IS 'the judgement';
COMMENT ON COLUMN student_windows.student IS 'the student''s number';
COMMENT ON COLUMN student_windows."window" IS '0, 1, ...: its place in session time';
COMMENT ON COLUMN student_windows.start IS 'begin, included, s';
COMMENT ON COLUMN student_windows.stop IS 'end, not included, s';
COMMENT ON COLUMN student_windows.verdict IS 'interested, neutral, not interested or insufficient';
COMMENT ON COLUMN student_windows.balance IS 'positive against negative evidence, -1 to 1 (docs/verdicts.md); NULL where no evidence is';
COMMENT ON COLUMN student_windows.margin IS 'half-width of the balance''s uncertainty; NULL where it is unknown';
COMMENT ON COLUMN student_windows.coverage IS 'share of the sampled frames in it that carry evidence of the student, 0 to 1';
COMMENT ON COLUMN student_windows.frames IS 'sampled frames in it';
COMMENT ON COLUMN student_windows.faces IS 'faces of the student seen in it';
COMMENT ON COLUMN student_windows.scorable IS 'scorable ones, the evidence behind the verdict; of attention: frames that count';
COMMENT ON COLUMN student_windows.positive IS 'evidence of happy and surprise (of attention: facing), in the strategy''s unit';
COMMENT ON COLUMN student_windows.negative IS 'evidence of angry, disgust, fear and sad (of attention: not), in that unit';
CREATE TABLE class_windows (
	judgement_id INTEGER NOT NULL,
	"window" BIGINT NOT NULL,
	start DOUBLE PRECISION NOT NULL,
	stop DOUBLE PRECISION NOT NULL,
	verdict TEXT NOT NULL,
	balance DOUBLE PRECISION,
	margin DOUBLE PRECISION,
	coverage DOUBLE PRECISION NOT NULL,
	students INTEGER NOT NULL,
	interested INTEGER NOT NULL,
	neutral INTEGER NOT NULL,
	not_interested INTEGER NOT NULL,
	insufficient INTEGER NOT NULL,
	faces INTEGER NOT NULL,
	scorable INTEGER NOT NULL,
	CONSTRAINT pk_class_windows PRIMARY KEY (judgement_id, "window"),
	CONSTRAINT ck_class_windows_verdict CHECK (verdict IN ('interested', 'neutral', 'not interested', 'insufficient')),
	CONSTRAINT fk_class_windows_judgement_id_judgements FOREIGN KEY(judgement_id) REFERENCES judgements (id) ON DELETE CASCADE
);
COMMENT ON TABLE class_windows IS 'the verdict of the class in one window, every student with equal weight';
COMMENT ON COLUMN class_windows.judgement_id IS 'the judgement';
COMMENT ON COLUMN class_windows."window" IS '0, 1, ...: its place in session time';
COMMENT ON COLUMN class_windows.start IS 'begin, included, s';
COMMENT ON COLUMN class_windows.stop IS 'end, not included, s';
COMMENT ON COLUMN class_windows.verdict IS 'interested, neutral, not interested or insufficient';
COMMENT ON COLUMN class_windows.balance IS 'mean of the balances of the students with a verdict; NULL where there is none';
COMMENT ON COLUMN class_windows.margin IS 'half-width of the balance''s uncertainty; NULL where it is unknown';
COMMENT ON COLUMN class_windows.coverage IS 'mean coverage of the students, 0 to 1';
COMMENT ON COLUMN class_windows.students IS 'students of the session';
COMMENT ON COLUMN class_windows.interested IS 'students with that verdict';
COMMENT ON COLUMN class_windows.neutral IS 'students with that verdict';
COMMENT ON COLUMN class_windows.not_interested IS 'students with that verdict';
COMMENT ON COLUMN class_windows.insufficient IS 'students whose evidence carries no verdict';
COMMENT ON COLUMN class_windows.faces IS 'faces of students seen';
COMMENT ON COLUMN class_windows.scorable IS 'scorable ones among them';
CREATE TABLE attention_windows (
	judgement_id INTEGER NOT NULL,
	student BIGINT NOT NULL,
	"window" BIGINT NOT NULL,
	visible DOUBLE PRECISION NOT NULL,
	facing DOUBLE PRECISION,
	movement DOUBLE PRECISION,
	CONSTRAINT pk_attention_windows PRIMARY KEY (judgement_id, student, "window"),
	CONSTRAINT fk_attention_windows_judgement_id_judgements FOREIGN KEY(judgement_id) REFERENCES judgements (id) ON DELETE CASCADE
);
COMMENT ON TABLE attention_windows IS 'what a student shows in one window beside emotions';
COMMENT ON COLUMN attention_windows.judgement_id IS 'the judgement, whose windows these are';
COMMENT ON COLUMN attention_windows.student IS 'the student''s number';
COMMENT ON COLUMN attention_windows."window" IS '0, 1, ...: its place in session time';
COMMENT ON COLUMN attention_windows.visible IS 'share of the sampled frames in it that show the student''s face, 0 to 1';
COMMENT ON COLUMN attention_windows.facing IS 'share of the faces in which the head points the student''s usual way, 0 to 1; NULL where none is large enough';
COMMENT ON COLUMN attention_windows.movement IS 'mean speed of the face beside the camera''s, face sizes a second; NULL where it is unknown';
CREATE TABLE student_parts (
	judgement_id INTEGER NOT NULL,
	student BIGINT NOT NULL,
	mark BIGINT NOT NULL,
	start DOUBLE PRECISION NOT NULL,
	stop DOUBLE PRECISION NOT NULL,
	verdict TEXT NOT NULL,
	balance DOUBLE PRECISION,
	margin DOUBLE PRECISION,
	coverage DOUBLE PRECISION NOT NULL,
	frames INTEGER NOT NULL,
	faces INTEGER NOT NULL,
	scorable INTEGER NOT NULL,
	positive DOUBLE PRECISION NOT NULL,
	negative DOUBLE PRECISION NOT NULL,
	visible DOUBLE PRECISION NOT NULL,
	facing DOUBLE PRECISION,
	movement DOUBLE PRECISION,
	CONSTRAINT pk_student_parts PRIMARY KEY (judgement_id, student, mark),
	CONSTRAINT ck_student_parts_verdict CHECK (verdict IN ('interested', 'neutral', 'not interested', 'insufficient')),
	CONSTRAINT fk_student_parts_judgement_id_judgements FOREIGN KEY(judgement_id) REFERENCES judgements (id) ON DELETE CASCADE
);
COMMENT ON TABLE student_parts IS 'the verdict of one student in one marked part, and what the student shows in it beside emotions';
COMMENT ON COLUMN student_parts.judgement_id IS 'the judgement';
COMMENT ON COLUMN student_parts.student IS 'the student''s number';
COMMENT ON COLUMN student_parts.mark IS 'the part, a number in marks';
COMMENT ON COLUMN student_parts.start IS 'begin, included, s';
COMMENT ON COLUMN student_parts.stop IS 'end, not included, s';
COMMENT ON COLUMN student_parts.verdict IS 'interested, neutral, not interested or insufficient';
COMMENT ON COLUMN student_parts.balance IS 'positive against negative evidence, -1 to 1 (docs/verdicts.md); NULL where no evidence is';
COMMENT ON COLUMN student_parts.margin IS 'half-width of the balance''s uncertainty; NULL where it is unknown';
COMMENT ON COLUMN student_parts.coverage IS 'share of the sampled frames in it that carry evidence of the student, 0 to 1';
COMMENT ON COLUMN student_parts.frames IS 'sampled frames in it';
COMMENT ON COLUMN student_parts.faces IS 'faces of the student seen in it';
COMMENT ON COLUMN student_parts.scorable IS 'scorable ones, the evidence behind the verdict; of attention: frames that count';
COMMENT ON COLUMN student_parts.positive IS 'evidence of happy and surprise (of attention: facing), in the strategy''s unit';
COMMENT ON COLUMN student_parts.negative IS 'evidence of angry, disgust, fear and sad (of attention: not), in that unit';
COMMENT ON COLUMN student_parts.visible IS 'share of the sampled frames in it that show the student''s face, 0 to 1';
COMMENT ON COLUMN student_parts.facing IS 'share of the faces in which the head points the student''s usual way, 0 to 1; NULL where none is large enough';
COMMENT ON COLUMN student_parts.movement IS 'mean speed of the face beside the camera''s, face sizes a second; NULL where it is unknown';
CREATE TABLE class_parts (
	judgement_id INTEGER NOT NULL,
	mark BIGINT NOT NULL,
	start DOUBLE PRECISION NOT NULL,
	stop DOUBLE PRECISION NOT NULL,
	verdict TEXT NOT NULL,
	balance DOUBLE PRECISION,
	margin DOUBLE PRECISION,
	coverage DOUBLE PRECISION NOT NULL,
	students INTEGER NOT NULL,
	interested INTEGER NOT NULL,
	neutral INTEGER NOT NULL,
	not_interested INTEGER NOT NULL,
	insufficient INTEGER NOT NULL,
	faces INTEGER NOT NULL,
	scorable INTEGER NOT NULL,
	CONSTRAINT pk_class_parts PRIMARY KEY (judgement_id, mark),
	CONSTRAINT ck_class_parts_verdict CHECK (verdict IN ('interested', 'neutral', 'not interested', 'insufficient')),
	CONSTRAINT fk_class_parts_judgement_id_judgements FOREIGN KEY(judgement_id) REFERENCES judgements (id) ON DELETE CASCADE
);
COMMENT ON TABLE class_parts IS 'the verdict of the class in one marked part, every student with equal weight';
COMMENT ON COLUMN class_parts.judgement_id IS 'the judgement';
COMMENT ON COLUMN class_parts.mark IS 'the part, a number in marks';
COMMENT ON COLUMN class_parts.start IS 'begin, included, s';
COMMENT ON COLUMN class_parts.stop IS 'end, not included, s';
COMMENT ON COLUMN class_parts.verdict IS 'interested, neutral, not interested or insufficient';
COMMENT ON COLUMN class_parts.balance IS 'mean of the balances of the students with a verdict; NULL where there is none';
COMMENT ON COLUMN class_parts.margin IS 'half-width of the balance''s uncertainty; NULL where it is unknown';
COMMENT ON COLUMN class_parts.coverage IS 'mean coverage of the students, 0 to 1';
COMMENT ON COLUMN class_parts.students IS 'students of the session';
COMMENT ON COLUMN class_parts.interested IS 'students with that verdict';
COMMENT ON COLUMN class_parts.neutral IS 'students with that verdict';
COMMENT ON COLUMN class_parts.not_interested IS 'students with that verdict';
COMMENT ON COLUMN class_parts.insufficient IS 'students whose evidence carries no verdict';
COMMENT ON COLUMN class_parts.faces IS 'faces of students seen';
COMMENT ON COLUMN class_parts.scorable IS 'scorable ones among them';
CREATE TABLE faces (
	session_id BIGINT NOT NULL,
	pts BIGINT NOT NULL,
	face BIGINT NOT NULL,
	x1 REAL NOT NULL,
	y1 REAL NOT NULL,
	x2 REAL NOT NULL,
	y2 REAL NOT NULL,
	score REAL NOT NULL,
	landmarks BYTEA NOT NULL,
	angry REAL,
	disgust REAL,
	fear REAL,
	happy REAL,
	sad REAL,
	surprise REAL,
	neutral REAL,
	sharpness REAL NOT NULL,
	yaw REAL NOT NULL,
	pitch REAL NOT NULL,
	roll REAL NOT NULL,
	quality REAL NOT NULL,
	scorable BOOLEAN NOT NULL,
	look BYTEA,
	track INTEGER,
	CONSTRAINT pk_faces PRIMARY KEY (session_id, pts, face),
	CONSTRAINT fk_faces_session_id_pts_frames FOREIGN KEY(session_id, pts) REFERENCES frames (session_id, pts) ON DELETE CASCADE
);
COMMENT ON TABLE faces IS 'one detection in one frame';
COMMENT ON COLUMN faces.session_id IS 'the session';
COMMENT ON COLUMN faces.pts IS 'the frame''s media timestamp, ticks';
COMMENT ON COLUMN faces.face IS '0, 1, ... within the frame';
COMMENT ON COLUMN faces.x1 IS 'left edge, px from the left of the upright picture';
COMMENT ON COLUMN faces.y1 IS 'upper edge, px from its top';
COMMENT ON COLUMN faces.x2 IS 'right edge, px from the left';
COMMENT ON COLUMN faces.y2 IS 'lower edge, px from the top';
COMMENT ON COLUMN faces.score IS 'the detector''s certainty, 0 to 1';
COMMENT ON COLUMN faces.landmarks IS 'ten little-endian float32, px: x, y of left eye, right eye, nose, left and right end of the mouth';
COMMENT ON COLUMN faces.angry IS 'the share that FER''s network gives it: the seven sum to 1; NULL where the face was not scored';
COMMENT ON COLUMN faces.disgust IS 'the share that FER''s network gives it: the seven sum to 1; NULL where the face was not scored';
COMMENT ON COLUMN faces.fear IS 'the share that FER''s network gives it: the seven sum to 1; NULL where the face was not scored';
COMMENT ON COLUMN faces.happy IS 'the share that FER''s network gives it: the seven sum to 1; NULL where the face was not scored';
COMMENT ON COLUMN faces.sad IS 'the share that FER''s network gives it: the seven sum to 1; NULL where the face was not scored';
COMMENT ON COLUMN faces.surprise IS 'the share that FER''s network gives it: the seven sum to 1; NULL where the face was not scored';
COMMENT ON COLUMN faces.neutral IS 'the share that FER''s network gives it: the seven sum to 1; NULL where the face was not scored';
COMMENT ON COLUMN faces.sharpness IS '0 (blurred) to 1 (sharp)';
COMMENT ON COLUMN faces.yaw IS 'degrees, positive to the image''s right';
COMMENT ON COLUMN faces.pitch IS 'degrees, positive upwards';
COMMENT ON COLUMN faces.roll IS 'degrees, positive clockwise in the image';
COMMENT ON COLUMN faces.quality IS 'size, sharpness and pose together, 0 to 1';
COMMENT ON COLUMN faces.scorable IS '1 where the emotion scores mean something';
COMMENT ON COLUMN faces.look IS 'bytes: histograms of light and colour of clothes and hair around the face, nothing of the face; NULL for most, as one a second is enough';
COMMENT ON COLUMN faces.track IS 'the track it belongs to; NULL: none, or not followed yet';
CREATE TABLE classpulse_version (version INTEGER NOT NULL);
INSERT INTO classpulse_version VALUES (2);
CREATE VIEW v_students AS
SELECT sessions.id AS session_id, sessions.name AS session, students.student, students.label, people.name,
       students.person, students.first, students.last, students.tracks, students.faces, students.scorable,
       students.coverage, students.weakest_link, students.static, students.x, students.y, students.size,
       students.spread, students.area
FROM students
JOIN sessions ON sessions.id = students.session_id
LEFT JOIN people ON people.person = students.person;
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
