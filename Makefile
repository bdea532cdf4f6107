# movierec: `make` lists the targets. Everything a target needs is set up by itself.
PYTHON ?= python3
SAMPLE ?= full
SELECT ?= *
OUT ?= recommendations.parquet
N ?= 10
export MOVIEREC_SAMPLE := $(SAMPLE)
export DAGSTER_DISABLE_TELEMETRY := yes
export PYTHONUNBUFFERED := 1

PY := .venv/bin/python
READY := .venv/.ready
HTMX := serving/static/vendor/htmx.min.js
MAKE_ASSETS = exec $(PY) -m assets.commands.pipeline --sample $(SAMPLE) --select

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run setup test check fix pipeline prepare features candidates backtest ranking evaluation publish clusters metadata web dagster mlflow sql database export recommend results ablation similar counterparts bench messages rollback prune backup restore forget unlock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  SAMPLE=1pct|10pct|full (now $(SAMPLE))   MOVIEREC_SOURCE=demo|ml-latest-small|ml-25m|ml-32m|DIRECTORY"

$(READY): requirements.lock
	@echo "Setting up .venv with $$($(PYTHON) --version) (pinned in requirements.lock)"
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] < (3, 14) or sys.exit(f"Python 3.11 to 3.13 is needed, {sys.executable} is {sys.version.split()[0]}: PYTHON=/path/to/python make setup")'
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@touch $@

$(HTMX): $(READY) assets/commands/fetch_htmx.py
	@$(PY) -m assets.commands.fetch_htmx

setup: $(READY) $(HTMX) ## make .venv, install the pinned packages, fetch the page's script

run: setup ## materialise the graph if needed, then serve the site and the Dagster UI
	@$(PY) -m assets.commands.pipeline --sample $(SAMPLE) --if-needed
	@exec $(PY) -m assets.commands.servers web dagster daemon

pipeline: setup ## materialise the whole graph for SAMPLE
	@$(MAKE_ASSETS) '$(SELECT)'

prepare: setup ## stage 1 for SAMPLE: its tables, from the CSV files on
	@$(MAKE_ASSETS) 'group:raw or group:prepared'

features: setup ## stage 2: features of users and movies
	@$(MAKE_ASSETS) 'group:features'

candidates: setup ## stage 3: fits of the candidate models
	@$(MAKE_ASSETS) 'group:candidates'

backtest: setup ## stage 4: every model at the cut of each window of time, measured on what people rated in it
	@$(MAKE_ASSETS) 'group:backtest'

ranking: setup ## stage 5: label rows and rankers
	@$(MAKE_ASSETS) 'group:ranking'

evaluation: setup ## stage 6: every model measured
	@$(MAKE_ASSETS) 'group:evaluation'

publish: setup ## stage 7: a bundle, served if it is no worse than the one before
	@$(MAKE_ASSETS) 'group:published'

clusters: setup ## new clusters of movies from the tables of SAMPLE, served at once
	@$(MAKE_ASSETS) 'key:clusters+'

metadata: setup ## TMDB's descriptions and posters (TMDB_API_KEY)
	@$(MAKE_ASSETS) 'group:metadata'

web: setup ## serve the site alone, from what is published
	@exec $(PY) -m assets.commands.servers web

dagster: setup ## the Dagster UI and its daemon alone
	@exec $(PY) -m assets.commands.servers dagster daemon

mlflow: setup ## the MLflow UI over the recorded model fits
	@exec $(PY) -m assets.commands.servers mlflow

sql: setup ## DuckDB prompt over the feature store, a view per table
	@$(PY) -m assets.commands.store sql --sample $(SAMPLE)

database: setup ## write catalogue, users and ratings of SAMPLE into SQLite or PostgreSQL
	@$(MAKE_ASSETS) 'key:relational_export'

export: setup ## write the cleaned tables of SAMPLE as CSV under MOVIEREC_HOME/exports
	@$(PY) -m assets.commands.store export --sample $(SAMPLE)

recommend: setup ## top N movies for every user as Parquet: OUT=recommendations.parquet N=10 USERS=ids.csv
	@$(PY) -m assets.commands.recommend --sample $(SAMPLE) --out "$(OUT)" --n $(N) $(if $(USERS),--users "$(USERS)")

results: setup ## take the measured tables of SAMPLE into docs/results.md
	@$(PY) -m assets.commands.results --sample $(SAMPLE)

ablation: setup ## what each group of the ranker's features is worth; writes docs/ablation.md
	@$(PY) -m assets.commands.ablation --sample $(SAMPLE)

similar: setup ## measure the lists of similar movies; writes docs/similar.md
	@$(PY) -m assets.commands.similar --sample $(SAMPLE)

counterparts: setup ## our channels beside those of `implicit` and of papers; writes docs/counterparts.md
	@$(PY) -m assets.commands.counterparts --sample $(SAMPLE)

bench: setup ## measure set-up, pipeline and site; writes docs/benchmarks.md (SOURCES="demo DIR")
	@$(PY) -m assets.commands.bench $(SOURCES)

messages: $(READY) ## bring serving/locale in step with the texts of the pages; lists what is not translated
	@$(PY) -m serving.i18n.messages

test: setup ## the test suite in two processes of one thread each, the tests in a browser last
	@OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1 $(PY) -m pytest -n 2 --dist worksteal --ignore=tests/browser
	@OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1 $(PY) -m pytest -n 2 --dist worksteal tests/browser

check: $(READY) ## formatter, linter, types, import directions, Dagster's definitions; changes nothing
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-logo
	@.venv/bin/dg check defs

fix: $(READY) ## let the formatter and the linter repair what they can
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

rollback: setup ## serve the bundle that was published before the served one
	@$(PY) -m assets.commands.pipeline --sample $(SAMPLE) --rollback

prune: setup ## delete runs older than MOVIEREC_KEEP_DAYS and what killed runs left behind
	@$(MAKE_ASSETS) 'group:maintenance'

backup: setup ## write what people left on the site into an archive: FILE=backup.tar.gz BUNDLE=1 (with what is served)
	@$(PY) -m serving.upkeep.backup $(if $(FILE),"$(FILE)") $(if $(BUNDLE),--bundle)

restore: setup ## put a backup back: FILE=backup.tar.gz OVERWRITE=1 (replaces what is there)
	@$(PY) -m serving.upkeep.restore "$(FILE)" $(if $(OVERWRITE),--overwrite)

forget: setup ## delete a person of the site (USER=name or id) or a user of the data set (USER=ml:123), and search for remains
	@test "$(origin USER)" = "command line" || { echo "name the person: make forget USER=anna, or USER=ml:123" >&2; exit 2; }
	@$(if $(filter ml:%,$(USER)),$(PY) -m assets.commands.forget "$(USER:ml:%=%)",$(PY) -m serving.upkeep.forget "$(USER)")

unlock: setup ## mark killed runs as failed and free the training slots that no run at work holds
	@$(PY) -m assets.commands.pipeline --unlock

clean: ## remove the environment, caches and what was written, but for downloads, searches and what people left
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache serving/static/vendor
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@home="$${MOVIEREC_HOME:-data}"; for part in store published companion metadata posters dagster mlflow exports metrics; do rm -rf "$$home/$$part"; done
