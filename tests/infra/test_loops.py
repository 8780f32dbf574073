"""Functions that start themselves again: Lambda must not stop them."""

from collections import defaultdict

import networkx

from infra.catalog.loops import looping_functions
from infra.synthesized import Synthesized, as_list, text

STARTING = {
    "sqs:SendMessage",
    "events:PutEvents",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:BatchWriteItem",
}
"""What can start the function behind a queue, a bus or a stream."""


def chains(deployed: Synthesized) -> "networkx.DiGraph[tuple[str, str]]":
    """Function → function, if the first may send to a queue that the second consumes, write a table
    whose stream the second follows, or put events on a bus with a rule that fills such a queue.
    From policies, rules and event sources alone.
    """
    consumers = defaultdict(set)
    for mapping in deployed.of_type("AWS::Lambda::EventSourceMapping"):
        source = deployed.target(mapping.stack, mapping.properties["EventSourceArn"])
        consumer = deployed.called(mapping.stack, mapping.properties["FunctionName"])
        consumers[source.key].add(consumer.key)
    for rule in deployed.of_type("AWS::Events::Rule"):
        bus = deployed.target(rule.stack, rule.properties["EventBusName"])
        for target in rule.properties["Targets"]:
            consumers[bus.key] |= consumers[deployed.target(rule.stack, target["Arn"]).key]
    functions = {
        deployed.target(function.stack, function.properties["Role"]).key: function
        for function in deployed.of_type("AWS::Lambda::Function")
    }
    graph: networkx.DiGraph[tuple[str, str]] = networkx.DiGraph()
    graph.add_nodes_from(function.key for function in functions.values())
    for policy in deployed.of_type("AWS::IAM::Policy"):
        sender = functions.get(deployed.target(policy.stack, policy.properties["Roles"][0]).key)
        if sender is None:
            continue
        for statement in policy.properties["PolicyDocument"]["Statement"]:
            if STARTING & set(as_list(statement["Action"])):
                for arn in as_list(statement["Resource"]):
                    if "/index/" not in text(arn):
                        started = consumers[deployed.target(policy.stack, arn).key]
                        graph.add_edges_from((sender.key, each) for each in started)
            if "lambda:InvokeFunction" in as_list(statement["Action"]):
                for function_arn in as_list(statement["Resource"]):
                    graph.add_edge(sender.key, invoked(deployed, policy.stack, function_arn))
    return graph


def invoked(deployed: Synthesized, stack: str, arn: object) -> tuple[str, str]:
    """The function of an ARN: a reference, or one that is made of the function's name."""
    try:
        return deployed.called(stack, arn).key
    except LookupError:
        name = text(arn).partition(":function:")[2].partition(":")[0]
        (function,) = (
            each
            for each in deployed.of_type("AWS::Lambda::Function")
            if each.properties["FunctionName"] == name
        )
        return function.key


LOOPING = ("settlement", "sweeper", "day_close", "push")


def test_a_function_that_starts_itself_again_is_never_stopped(synthesized: Synthesized) -> None:
    """A settlement continues itself by messages to its own queue, and the log of events sends
    itself checks. The sweeper, the day close and the push have parts of their work done by further
    invocations.
    """
    graph = chains(synthesized)
    publisher, log = (synthesized.function(f"event_{name}").key for name in ("publisher", "log"))
    assert graph.has_edge(synthesized.function("orders").key, publisher)
    assert graph.has_edge(publisher, log)
    looping = {
        function
        for part in networkx.strongly_connected_components(graph)
        for function in part
        if len(part) > 1 or graph.has_edge(function, function)
    }
    assert looping == {
        log,
        *(synthesized.function(name).key for name in LOOPING),
    }
    for function in synthesized.of_type("AWS::Lambda::Function"):
        allowed = function.properties.get("RecursiveLoop") == "Allow"
        assert allowed is (function.key in looping), function


def test_a_loop_over_several_functions_counts_and_a_chain_does_not() -> None:
    grants = {
        "one": {"queues/a": "SendMessage"},
        "two": {"functions/three": "InvokeFunction"},
        "three": {"queues/b": "GetQueueUrl SendMessage"},
        "four": {"queues/a": "SendMessage", "dlqs/c": "SendMessage", "queues/c": "GetQueueUrl"},
    }
    consumers = {"a": "two", "b": "two", "c": "four"}
    assert looping_functions(grants, consumers) == {"two", "three"}
