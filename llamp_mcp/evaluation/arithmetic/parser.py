"""From text to a tree, by recursive descent; nothing that is written is ever run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from llamp_mcp.errors import InvalidInput, clip
from llamp_mcp.evaluation.arithmetic.syntax import (
    Call,
    Constant,
    Negative,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Unit,
    is_unit,
    words,
)
from llamp_mcp.evaluation.arithmetic.tokens import Token, glued, tokens
from llamp_mcp.evaluation.arithmetic.vocabulary import CONSTANTS, FUNCTIONS, SPELLINGS, symbols

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_DEPTH: Final = 30


def parse(text: str) -> tuple[Node, Node | None]:
    """The tree of an expression, and that of the unit named behind a `to` or `in`.

    Raises:
        InvalidInput: It cannot be read, can be read in two ways, or is nested too deeply.
    """
    reader = _Parser(text, tokens(text))
    tree = reader.expression()
    target = None
    if reader.at_target():
        target = parse_unit(text[reader.next.at - 1 :], text, reader.rest())
    reader.expect_end()
    return tree, target


def parse_unit(text: str, whole: str = "", pieces: Sequence[Token] | None = None) -> Node:
    """The tree of a unit, such as `kJ/mol`. Here `h` is the hour and `e` the charge.

    Raises:
        InvalidInput: It is not a unit.
    """
    reader = _Parser(whole or text, list(pieces or tokens(text)), constants=False)
    tree = reader.expression()
    reader.expect_end()
    if not is_unit(tree):
        raise InvalidInput(
            f"{clip(text.strip())} is not a unit", allowed="such as GPa, eV/Å^3, kJ/mol, degC"
        )
    return tree


class _Parser:
    """Reads a list of tokens from left to right."""

    def __init__(self, text: str, pieces: list[Token], *, constants: bool = True) -> None:
        self._text, self._pieces, self._constants = text, pieces, constants
        self._at = self._depth = 0

    @property
    def next(self) -> Token:
        """The token to be read next."""
        return self._pieces[self._at]

    def rest(self) -> list[Token]:
        """All behind the next token, which are then read."""
        rest = self._pieces[self._at + 1 :]
        self._at = len(self._pieces) - 1
        return rest

    def at_target(self) -> bool:
        """Whether a unit to convert to is named next."""
        return self.next.text in ("to", "in") and self.next.kind != "end"

    def expect_end(self) -> None:
        """Refuse what is left over."""
        if self.next.kind != "end":
            raise self._wrong("is not expected", "an operator before it, or the end")

    def expression(self) -> Node:
        """Terms, added and subtracted."""
        tree = self._term()
        while self.next.text in ("+", "-"):
            minus = self._take().text == "-"
            tree = Sum(tree, self._term(), minus)
        return tree

    def _term(self) -> Node:
        """Factors, multiplied and divided from left to right."""
        enclosed = self.next.text == "("
        tree = self._factor()
        open_quotient = not enclosed and _ends_in_quotient(tree)
        while True:
            sign = self.next.text
            if sign == "/":
                self._take()
                tree, open_quotient = Quotient(tree, self._factor()), True
            elif sign == "*" or (sign == "·" and not self._begins_unit(self._at + 1)):
                self._take()
                enclosed, right = self.next.text == "(", self._factor()
                tree = Product(tree, right)
                open_quotient = not enclosed and _ends_in_quotient(right)
            elif sign == "·" or self._begins_factor():
                if open_quotient:
                    raise self._ambiguous(tree)
                if sign == "·":
                    self._take()
                tree = Product(tree, self._power())
            else:
                return tree

    def _factor(self) -> Node:
        """A signed number with its unit, or a signed power."""
        self._deeper()
        if self.next.text in ("+", "-"):
            minus = self._take().text == "-"
            tree = self._factor()
            if minus:
                tree = _negative(tree)
        else:
            tree = self._power()
            if _is_numeral(tree) and self._begins_unit(self._at):
                tree = Product(tree, self._unit(), bound=True)
        self._depth -= 1
        return tree

    def _power(self) -> Node:
        tree = self._primary()
        if self.next.kind == "raised":
            return Power(tree, _integer(self._take().text))
        if self.next.text == "^":
            self._take()
            return Power(tree, self._exponent())
        return tree

    def _exponent(self) -> Node:
        """What is behind a `^`: it takes no unit, and `2^3^2` is 2^9."""
        self._deeper()
        if self.next.text in ("+", "-"):
            minus = self._take().text == "-"
            tree = self._exponent()
            tree = Negative(tree) if minus else tree
        else:
            tree = self._power()
        self._depth -= 1
        return tree

    def _primary(self) -> Node:
        token = self.next
        if token.kind == "number":
            return Number(self._take().text)
        if token.text == "(":
            self._take()
            self._deeper()
            tree = self.expression()
            self._depth -= 1
            self._close(")")
            return tree
        if token.kind == "name":
            return self._name()
        raise self._wrong("is not expected", "a number, a unit, a constant, a function or '('")

    def _name(self) -> Node:
        token = self._take()
        name = SPELLINGS.get(token.text, token.text) if self._constants else token.text
        if name in FUNCTIONS and not self._is_minute(self._at - 1):
            return self._call(name)
        if self._constants and name in CONSTANTS:
            return Constant(name)
        if not self._constants and name == "h":
            name = "hr"
        if name not in symbols() and (parts := glued(name)) is not None:
            return Power(Unit(parts[0], token.at), Number(parts[1]))
        return Unit(name, token.at)

    def _call(self, function: str) -> Node:
        if self.next.text != "(":
            raise self._wrong("is not expected", f"'(' after {function}")
        self._take()
        self._deeper()
        listed = self.next.text == "["
        if listed:
            self._take()
        arguments = [self.expression()]
        while self.next.text == ",":
            self._take()
            arguments.append(self.expression())
        if listed:
            self._close("]")
        self._close(")")
        self._depth -= 1
        return Call(function, tuple(arguments))

    def _unit(self) -> Node:
        """The unit behind a number, with all its own divisions."""
        tree = self._power()
        divided = False
        while True:
            if self.next.text == "/" and self._begins_unit(self._at + 1):
                self._take()
                tree, divided = Quotient(tree, self._power()), True
            elif self.next.text == "·" and self._begins_unit(self._at + 1):
                if divided:
                    raise self._ambiguous(tree)
                self._take()
                tree = Product(tree, self._power())
            elif self._begins_unit(self._at):
                if divided:
                    raise self._ambiguous(tree)
                tree = Product(tree, self._power())
            else:
                return tree

    def _begins_factor(self) -> bool:
        """Whether a factor follows that no operator stands before."""
        token = self.next
        return token.text == "(" or (token.kind == "name" and not self.at_target())

    def _begins_unit(self, at: int) -> bool:
        """Whether a unit stands at this token: a name, or a group of nothing but units."""
        token = self._pieces[at]
        if token.kind == "name":
            return self._is_unit_name(at)
        if token.text != "(":
            return False
        depth = 0
        for place in range(at, len(self._pieces)):
            piece = self._pieces[place]
            depth += (piece.text == "(") - (piece.text == ")")
            if depth == 0:
                return place > at + 1
            if not self._may_be_in_unit(place):
                return False
        return False

    def _may_be_in_unit(self, at: int) -> bool:
        piece = self._pieces[at]
        if piece.kind == "name":
            return self._is_unit_name(at)
        if piece.kind == "number":
            return self._pieces[at - 1].text == "^" or self._pieces[at - 2].text == "^"
        return piece.kind == "raised" or piece.text in ("(", ")", "*", "·", "/", "^", "-")

    def _is_unit_name(self, at: int) -> bool:
        name = self._pieces[at].text
        if self._constants:
            name = SPELLINGS.get(name, name)
        if name in FUNCTIONS or name == "in":
            return self._is_minute(at)
        return not (self._constants and name in CONSTANTS)

    def _is_minute(self, at: int) -> bool:
        """Whether a `min` is the unit: the function has its values in parentheses behind it."""
        return self._pieces[at].text == "min" and self._pieces[at + 1].text != "("

    def _take(self) -> Token:
        token = self.next
        if token.kind != "end":
            self._at += 1
        return token

    def _close(self, sign: str) -> None:
        if self.next.text != sign:
            raise self._wrong("is not expected", f"{sign!r}, an operator or ','")
        self._take()

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise InvalidInput(
                f"The expression is nested more than {MAX_DEPTH} deep", next_step="Split it."
            )

    def _wrong(self, what: str, allowed: str) -> InvalidInput:
        token = self.next
        if token.kind == "end":
            return InvalidInput(f"The expression {clip(self._text)} ends early", allowed=allowed)
        if token.text == ",":
            allowed += "; no commas in numbers"
        if token.text == "=":
            allowed += "; no equations"
        return InvalidInput(
            f"{token.text!r} at character {token.at} of {clip(self._text)} {what}", allowed=allowed
        )

    def _ambiguous(self, tree: Node) -> InvalidInput:
        before = words(tree)
        return InvalidInput(
            f"What follows '{before}' at character {self.next.at} of {clip(self._text)} can be "
            "read in two ways, below or above the division",
            next_step="Write * after it, or parentheses, such as J/(mol K).",
        )


def _integer(text: str) -> Node:
    return Negative(Number(text[1:])) if text.startswith("-") else Number(text.lstrip("+"))


def _is_numeral(tree: Node) -> bool:
    """Whether a tree is a plain number, or a power of one: `10^3`."""
    return isinstance(tree, Number) or (isinstance(tree, Power) and isinstance(tree.base, Number))


def _negative(tree: Node) -> Node:
    """Minus a tree; the minus of `-10 °C` belongs to its number."""
    if isinstance(tree, Product) and tree.bound:
        return Product(Negative(tree.left), tree.right, bound=True)
    return Negative(tree)


def _ends_in_quotient(tree: Node) -> bool:
    return isinstance(tree, Quotient) or (
        isinstance(tree, Product) and tree.bound and isinstance(tree.right, Quotient)
    )
