"""FaceKey asked as the peers are: in a process of its own, from the bytes of a file to the decision."""

from answering import answer

from bench.decision import Decider

DECIDER = Decider()

if __name__ == "__main__":
    answer(DECIDER.look, DECIDER.decide)
