#include "python/native/step.h"

namespace tidemill::python {

template class StepNode<std::string_view, Object>;
template class StepNode<std::int64_t, Object>;
template class StepNode<Object, Object>;
template class StepNode<Object, Pair>;
template class StepNode<Object, std::string>;
template class StepNode<Object, std::string_view>;
template class StepNode<Pair, Object>;
template class StepNode<Pair, Pair>;
template class StepNode<Pair, Grouped>;
template class StepNode<Cogrouped, Object>;

}  // namespace tidemill::python
