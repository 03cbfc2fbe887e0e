/* Why only simdjson's first stage: its second one (DOM) turns numbers into floating point, which is not allowed for what is billed;
 * its On-Demand interface checks only what is asked for, and gives up a text at its first error. Their walk is faster than ours
 * (DOM 8, On-Demand 5 million events a second where ours, with all that makes an event of it, does 3), but what follows costs more
 * than either. dom_parser_implementation is the interface between the stages: public in simdjson.h, and virtual, so that the
 * library chooses the instructions at run time. */
#include "collector/json_index.h"
#define SIMDJSON_EXCEPTIONS 0 // errors are values: nothing is thrown into C
#include <memory>
#include <new>
#include <simdjson.h>

struct json_index {
    std::unique_ptr<simdjson::internal::dom_parser_implementation> stage;
};

namespace
{

bool make_room(json_index &index, size_t size)
{
    constexpr size_t room_min = 4096, depth = 2; // depth is of the second stage, which is not used
    if (index.stage && index.stage->capacity() >= size)
        return true;
    size_t room = room_min;
    while (room < size)
        room *= 2;
    index.stage.reset();
    return simdjson::get_active_implementation()->create_dom_parser_implementation(room, depth, index.stage) == simdjson::SUCCESS;
}

} // namespace

extern "C" struct json_index *json_index_new(void)
{
    return new json_index;
}

extern "C" void json_index_free(struct json_index *index)
{
    delete index;
}

extern "C" bool json_index_build(struct json_index *index, struct view text)
{
    if (text.size >= UINT32_MAX || !make_room(*index, text.size))
        return false;
    index->stage->n_structural_indexes = 0;
    if (text.size == 0)
        return true;
    auto data = reinterpret_cast<const uint8_t *>(text.data);
    simdjson::error_code error = index->stage->stage1(data, text.size, simdjson::stage1_mode::regular);
    if (error == simdjson::EMPTY)
        index->stage->n_structural_indexes = 0;
    return error == simdjson::SUCCESS || error == simdjson::EMPTY;
}

extern "C" const uint32_t *json_index_tokens(const struct json_index *index)
{
    return index->stage->structural_indexes.get();
}

extern "C" size_t json_index_count(const struct json_index *index)
{
    return index->stage->n_structural_indexes;
}

extern "C" void json_index_trim(struct json_index *index)
{
    if (index->stage && index->stage->capacity() > JSON_INDEX_KEPT_MAX)
        index->stage.reset();
}
