"""The tests of the contract that fail as yet, and why.

Patterns of test ids, relative to this folder, with round brackets for the square ones. Delete an
entry with the change that ends it: a test that passes in spite of one fails the run.
"""

__all__ = ("DRIFT", "SOMETIMES")

# What a reason begins with when the test fails by chance.
SOMETIMES = "sometimes: "

DRIFT: dict[str, str] = {
    # Keepalive.
    "test_keepalive.py::test_a_peer_that_answers_is_pinged_again_and_again(messages-*)": (
        "a pong is looked for after half of ping_timeout, and the next ping waits for that"
    ),
    "test_keepalive.py::test_a_blocked_loop_does_not_kill_the_peer(frames-*)": (
        "the frame API's keepalive has one timer for the pong, not two halves"
    ),
    "test_keepalive.py::test_a_peer_that_reads_all_the_time_is_kept_while_we_stream(web-*)": (
        "no ping leaves while writing is paused, and it counts as unanswered"
    ),
    "test_keepalive.py::test_a_peer_that_reads_all_the_time_is_kept_while_we_stream(messages-*)": (
        "no ping leaves while writing is paused, and it counts as unanswered"
    ),
    "test_keepalive.py::test_a_peer_that_reads_all_the_time_is_kept_while_we_stream(frames-*)": (
        SOMETIMES + "a pong is expected in a time that output before the ping may take"
    ),
    **{
        f"test_keepalive.py::{test}({api}-*-{wire}*)": (
            "a peer that is given up over TLS is waited for until it answers the close_notify"
        )
        for test in (
            "test_a_silent_peer_is_dropped",
            "test_a_silent_peer_is_found_while_nobody_receives",
            "test_a_dead_network_is_found_while_nothing_happens",
        )
        for api in ("messages", "frames")
        for wire in ("tls", "aiofastnet")
    },
    "test_keepalive.py::test_a_dead_network_is_found_while_back_pressure_*(messages-*)": (
        "no further ping is sent while one waits for its pong, so TCP owes nothing"
    ),
    "test_keepalive.py::test_pings_go_on_and_kill_no_live_peer_while_back_pressure_*(messages-*)": (
        "no further ping is sent while one waits for its pong"
    ),
    "test_keepalive.py::test_a_peer_that_left_is_found_while_back_pressure_*(messages-*-plain-*)": (
        "no further ping is sent while one waits for its pong"
    ),
    # Only under uvloop.
    "test_keepalive.py::test_a_dead_network_is_found_while_back_pressure_*(frames-*-tls)": (
        SOMETIMES + "a peer that is given up over TLS is waited for"
    ),
    # Not under uvloop.
    "test_keepalive.py::test_a_peer_that_left_is_found_while_back_pressure_*(*-tls-fin)": (
        SOMETIMES + "a peer that is given up over TLS is waited for, or its end is not looked for"
    ),
    # Delivery.
    **{
        f"test_delivery.py::{test}({side})": "what is set aside is dropped when TLS ends"
        for test in (
            "test_a_slow_reader_gets_every_message_before_a_close",
            "test_a_slow_reader_gets_every_message_before_a_lost_connection",
        )
        for side in ("web-*-tls", "web-*-aiofastnet", "messages-client-tls")
    },
    **{
        f"test_delivery.py::{test}(messages-{side})": (
            SOMETIMES + "what is set aside is dropped when TLS ends"
        )
        for test in (
            "test_a_slow_reader_gets_every_message_before_a_close",
            "test_a_slow_reader_gets_every_message_before_a_lost_connection",
        )
        for side in ("server-tls", "server-aiofastnet", "client-aiofastnet")
    },
    **{
        f"test_delivery.py::test_a_reader_that_comes_late_gets_every_message(web-*-{wire})": (
            "what is set aside is dropped when TLS ends"
        )
        for wire in ("tls", "aiofastnet")
    },
    "test_delivery.py::test_messages_before_a_fault_of_the_peer_*(messages-client-aiofastnet)": (
        SOMETIMES + "the end of TLS is not seen by a client that has failed the connection"
    ),
    # Readers.
    "test_readers.py::test_closed_is_true_as_soon_as_close_begins(*)": (
        "closed is true when the closing handshake is over"
    ),
    **{
        f"test_readers.py::test_a_task_that_goes_on_after_the_end_lets_the_loop_run({task}-*)": (
            "an awaitable that reports an end again never suspends"
        )
        for task in (
            *("web-while not closed", "web-until told", "web-with a timeout"),
            *("web-receiving for ever", "web-sending for ever"),
            *("messages-receiving for ever", "messages-sending for ever"),
        )
    },
    # Threads.
    **{
        f"test_threads.py::{test}({call})": "the call acts, not the await"
        for test in (
            "test_a_call_acts_when_it_is_awaited",
            "test_a_call_that_is_never_awaited_warns_and_does_nothing",
            "test_a_call_made_in_another_thread_acts_in_the_loop",
        )
        for call in ("web-*-send_*", "web-*-ping-*", "web-*-pong-*", "messages-*-send-*")
    },
    "test_threads.py::test_messages_of_many_threads_arrive_whole(*)": (
        SOMETIMES + "the call acts in the thread that makes it"
    ),
    # Shapes.
    **{
        f"test_shapes.py::{test}({method})": "a compiled method is a plain function"
        for test in (
            "test_an_awaitable_method_is_a_coroutine_function",
            "test_a_mock_of_an_awaitable_method_can_be_awaited",
        )
        for method in (
            *("*Response.send_*", "*Response.ping", "*Response.pong", "*Response.receive*"),
            *("*Connection.send", "*Connection.recv"),
        )
    },
    "test_shapes.py::test_a_task_names_what_it_waits_for(*)": "the awaitables have no names",
    "test_shapes.py::test_a_subclasss_methods_are_what_the_others_call(*)": (
        "compiled methods call each other past a subclass's"
    ),
}
