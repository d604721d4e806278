// What is said about a float that has no value.
#pragma once

#include <string>

namespace tidemill::rows::expressions {

std::string floatText(double value);
// "1e308 * 10 is out of range of a float".
std::string outOfRange(double a, char sign, double b);

}  // namespace tidemill::rows::expressions
