# A thin face over CMake: each target does its own set-up, packages included.

BUILD ?= build
data_beside := $(wildcard $(CURDIR)/../shared/data)
export PINHOLE_DATA ?= $(data_beside)

all: $(BUILD)/build.ninja
	@cmake --build $(BUILD)

$(BUILD)/build.ninja: CMakeLists.txt
	@scripts/setup.sh
	@cmake -S . -B $(BUILD) -G Ninja -DPINHOLE_WERROR=$(if $(CI),ON,OFF) $(CMAKE_FLAGS) >/dev/null

# Quick tests first, those on real data last.
test: all
	@cd $(BUILD) && ctest -L quick -j2 --output-on-failure && ctest -L real --output-on-failure

demo: all
	@scripts/demo.sh $(BUILD)/pinhole

# make recipe-fashion-ae repeats recipes/fashion-ae, and measures what came of it.
recipe-%: all
	@scripts/recipe.sh $(BUILD)/pinhole $*

# What each of them is: the first sentence of its file.
recipes:
	@for file in $(filter-out $(addsuffix .sh,$(wildcard recipes/*)),$(wildcard recipes/*)); do \
	    awk -v name=$$(basename $$file .sh) '!/^# / || /^#  / { exit } { text = text substr($$0, 2) } \
	        END { sub(/^ /, "", text); if (match(text, /[.?] [A-Z]/)) text = substr(text, 1, RSTART); \
	              printf "%-20s %s\n", name, text }' $$file; done

bench: all
	@scripts/bench.sh $(BUILD)/pinhole

# What reading costs in each format.
bench-reading: all
	@cmake --build $(BUILD) --target bench_reading
	@$(BUILD)/bench_reading

# Our convolutions beside oneDNN's, which it installs where it is missing.
bench-convolution: all
	@scripts/setup.sh libdnnl-dev
	@cmake -S . -B $(BUILD) >/dev/null
	@cmake --build $(BUILD) --target bench_convolution
	@OMP_WAIT_POLICY=passive $(BUILD)/bench_convolution $(THREADS)

install: all
	@cmake --install $(BUILD)

clean:
	@rm -rf $(BUILD)

.PHONY: all test demo recipes bench bench-reading bench-convolution install clean
