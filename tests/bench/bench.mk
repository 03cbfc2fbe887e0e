# The benchmarks' own programs: build/<variant>/bench/*, and `make bench`.
BENCH := $(B)/bench
BENCH_PROGRAMS := generate read produce encoding http lines sheet year export
BENCH_ROWS_O := $(B)/gen/rows.pb-c.o
BENCH_LOAD := $(B)/tests/bench/load.o

build/gen/rows.pb-c.c build/gen/rows.pb-c.h: tests/bench/rows.proto
	@mkdir -p build/gen
	protoc-c -Itests/bench --c_out=build/gen $<
$(B)/tests/bench/generate.o $(B)/tests/bench/encoding.o: | build/gen/rows.pb-c.h

$(BENCH)/generate: $(B)/tests/bench/generate.o $(BENCH_LOAD) $(BENCH_ROWS_O) $(B)/lib.a
$(BENCH)/read: $(B)/tests/bench/read_only.o
$(BENCH)/produce: $(B)/tests/bench/produce_only.o $(BENCH_LOAD) $(B)/lib.a
$(BENCH)/encoding: $(B)/tests/bench/encoding.o $(BENCH_LOAD) $(BENCH_ROWS_O) $(B)/lib.a
$(BENCH)/http: $(B)/tests/bench/http_load.o $(BENCH_LOAD) $(B)/lib.a
$(BENCH)/sheet: $(B)/tests/bench/sheet.o $(BENCH_LOAD) $(B)/lib.a
$(BENCH)/year: $(B)/tests/bench/year.o $(BENCH_LOAD) $(B)/lib.a
$(BENCH)/export: $(B)/tests/bench/export.o $(BENCH_LOAD) $(B)/api.a $(B)/lib.a
$(BENCH)/report: $(B)/tests/bench/report.o $(B)/api.a $(B)/lib.a
$(BENCH)/lines: $(B)/tests/bench/lines.o $(BENCH_LOAD) $(B)/lib.a
$(BENCH_PROGRAMS:%=$(BENCH)/%):
	@mkdir -p $(@D)
	$(call link,$^)

.PHONY: bench bench-programs
bench-programs: $(BENCH_PROGRAMS:%=$(BENCH)/%)

build/gen/python/rows_pb2.py: tests/bench/rows.proto
	@mkdir -p $(@D)
	protoc -Itests/bench --python_out=$(@D) $<
bench-programs: build/gen/python/rows_pb2.py
