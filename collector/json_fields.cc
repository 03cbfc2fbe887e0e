#include "collector/json_fields.h"
#include <cstring>
#define SIMDJSON_EXCEPTIONS 0 // errors are values: nothing is thrown into C
#include <simdjson.h>
#include <string_view>

static_assert(JSON_FIELDS_PADDING >= simdjson::SIMDJSON_PADDING, "texts are padded too little");

namespace ondemand = simdjson::ondemand;
using simdjson::error_code;

struct json_fields {
    ondemand::parser parser;
    json_fields_each each = nullptr;
    void *opaque = nullptr;
    char path[JSON_FIELDS_PATH];
};

namespace
{

error_code walk_value(json_fields &reader, ondemand::value value, size_t path_size, int depth);

view view_of_text(std::string_view text)
{
    return view{text.data(), text.size()};
}

/* The token without the blanks that may follow it in the text. */
std::string_view trimmed(std::string_view token)
{
    size_t end = token.find_last_not_of(" \t\r\n");
    return token.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

void give(json_fields &reader, size_t path_size, json_field_kind kind, std::string_view value)
{
    reader.each(reader.opaque, view{reader.path, path_size}, kind, view_of_text(value));
}

/* Appends ".key" to the path and returns its new size; a path that would be too long becomes JSON_FIELDS_PATH bytes that match
 * nothing. */
size_t extend_path(json_fields &reader, size_t path_size, std::string_view key)
{
    size_t dot = path_size > 0 ? 1 : 0;
    if (path_size + dot + key.size() >= JSON_FIELDS_PATH)
        return JSON_FIELDS_PATH;
    if (dot)
        reader.path[path_size] = '.';
    std::memcpy(reader.path + path_size + dot, key.data(), key.size());
    return path_size + dot + key.size();
}

size_t count_digits(std::string_view token, size_t from)
{
    size_t i = from;
    while (i < token.size() && token[i] >= '0' && token[i] <= '9')
        i++;
    return i - from;
}

/* RFC 8259 section 6. simdjson's own check refuses integers of more than 64 bits, which are right in members that we do not read.
 * */
bool is_number(std::string_view token)
{
    size_t i = !token.empty() && token[0] == '-' ? 1 : 0;
    size_t digits = count_digits(token, i);
    if (digits == 0 || (digits > 1 && token[i] == '0'))
        return false;
    i += digits;
    if (i < token.size() && token[i] == '.') {
        digits = count_digits(token, i + 1);
        if (digits == 0)
            return false;
        i += 1 + digits;
    }
    if (i < token.size() && (token[i] == 'e' || token[i] == 'E')) {
        i++;
        if (i < token.size() && (token[i] == '+' || token[i] == '-'))
            i++;
        digits = count_digits(token, i);
        if (digits == 0)
            return false;
        i += digits;
    }
    return i == token.size();
}

error_code walk_object(json_fields &reader, ondemand::object object, size_t path_size, int depth)
{
    if (depth > JSON_FIELDS_DEPTH)
        return simdjson::DEPTH_ERROR;
    for (auto field : object) {
        std::string_view key;
        ondemand::value value;
        error_code error = field.unescaped_key().get(key);
        if (!error)
            error = field.value().get(value);
        if (!error)
            error = walk_value(reader, value, extend_path(reader, path_size, key), depth);
        if (error)
            return error;
    }
    return simdjson::SUCCESS;
}

error_code walk_array(json_fields &reader, ondemand::array array, size_t path_size, int depth)
{
    if (depth > JSON_FIELDS_DEPTH)
        return simdjson::DEPTH_ERROR;
    for (auto element : array) {
        ondemand::value value;
        error_code error = element.get(value);
        if (!error)
            error = walk_value(reader, value, path_size, depth);
        if (error)
            return error;
    }
    return simdjson::SUCCESS;
}

error_code walk_scalar(json_fields &reader, ondemand::value value, ondemand::json_type type, size_t path_size)
{
    std::string_view token = trimmed(value.raw_json_token());
    if (type == ondemand::json_type::string) {
        error_code error = value.get_string().get(token);
        if (!error)
            give(reader, path_size, JSON_FIELD_TEXT, token);
        return error;
    }
    if (type == ondemand::json_type::number) {
        if (!is_number(token))
            return simdjson::NUMBER_ERROR;
        give(reader, path_size, JSON_FIELD_NUMBER, token);
        return simdjson::SUCCESS;
    }
    if (type == ondemand::json_type::boolean) {
        bool truth = false;
        error_code error = value.get_bool().get(truth);
        if (!error)
            give(reader, path_size, JSON_FIELD_BOOL, token);
        return error;
    }
    bool null = false;
    if (value.is_null().get(null) || !null)
        return simdjson::N_ATOM_ERROR;
    give(reader, path_size, JSON_FIELD_NULL, token);
    return simdjson::SUCCESS;
}

error_code walk_value(json_fields &reader, ondemand::value value, size_t path_size, int depth)
{
    ondemand::json_type type;
    error_code error = value.type().get(type);
    if (error)
        return error;
    if (type == ondemand::json_type::object) {
        ondemand::object object;
        error = value.get_object().get(object);
        return error ? error : walk_object(reader, object, path_size, depth + 1);
    }
    if (type == ondemand::json_type::array) {
        ondemand::array array;
        error = value.get_array().get(array);
        return error ? error : walk_array(reader, array, path_size, depth + 1);
    }
    return walk_scalar(reader, value, type, path_size);
}

error_code read_text(json_fields &reader, view text)
{
    ondemand::document document;
    ondemand::object object;
    error_code error =
        reader.parser.iterate(simdjson::padded_string_view(text.data, text.size, text.size + JSON_FIELDS_PADDING)).get(document);
    if (!error)
        error = document.get_object().get(object);
    if (!error)
        error = walk_object(reader, object, 0, 1);
    const char *behind = nullptr;
    if (!error && document.current_location().get(behind) == simdjson::SUCCESS)
        error = simdjson::TRAILING_CONTENT;
    return error;
}

} // namespace

extern "C" struct json_fields *json_fields_new(void)
{
    return new json_fields;
}

extern "C" void json_fields_free(struct json_fields *reader)
{
    delete reader;
}

extern "C" const char *json_fields_read(struct json_fields *reader, struct view text, json_fields_each each, void *opaque)
{
    reader->each = each;
    reader->opaque = opaque;
    error_code error = text.size == 0 ? simdjson::EMPTY : read_text(*reader, text);
    return error ? simdjson::error_message(error) : nullptr;
}
