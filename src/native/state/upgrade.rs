//! State that a library hands over itself: `HOTVM_STATE` and `hotvm_upgrade` of hotvm.h.
